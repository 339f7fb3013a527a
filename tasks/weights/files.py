"""Weights as safetensors files: read a stranger's carefully, write our own the same way every time."""

import hashlib
import math
import os
import secrets
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from grasp_core.models.architectures import build
from tasks.contracts.base import Architecture
from tasks.disk import disk_trouble
from tasks.errors import BadArrival, NoSpace
from tasks.printable import printable
from tasks.weights.header import check_header
from tasks.weights.tensor_spec import FLOATS, ITEM_BYTES, TensorSpec
from tasks.weights.values import check_values

SLACK_BYTES = 64 * 1024 * 1024
_DTYPES = {
    torch.bool: "BOOL",
    torch.uint8: "U8",
    torch.int8: "I8",
    torch.int16: "I16",
    torch.int32: "I32",
    torch.int64: "I64",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.float32: "F32",
    torch.float64: "F64",
}


def new_module(architecture: Architecture) -> nn.Module:
    """Build an untrained network; torch's global random numbers end as they were.

    Raises UnknownArchitecture.
    """
    with torch.random.fork_rng(devices=[]):
        return build(
            architecture.id, in_channels=architecture.in_channels, num_classes=architecture.num_classes
        )


@lru_cache(maxsize=16)
def expected_tensors(architecture: Architecture) -> dict[str, TensorSpec]:
    """Say which tensors a file of this architecture holds: its state_dict, floats in 16 or 32 bits."""
    return tensors_of(new_module(architecture))


def tensors_of(module: nn.Module) -> dict[str, TensorSpec]:
    """Say which tensors a file must hold to be loaded into this module."""
    return {name: _spec(tensor) for name, tensor in module.state_dict().items()}


def check_source(path: Path, architecture: Architecture, *, object: str) -> None:  # noqa: A002
    """Check a downloaded source: header, names, shapes, dtypes, and that every tensor is finite.

    path: in a private directory, whole; a file that shrinks while it is mapped kills the process.
    Raises BadArrival (`weights_format`, `weights_tensors`, `weights_values`) that names the tensor.
    """
    check_header(path, expected_tensors(architecture), object=object)
    try:
        with safe_open(path, framework="pt") as file:
            for name in file.keys():  # noqa: SIM118 - it is no mapping
                check_values(name, file.get_tensor(name), object=object)
    except SafetensorError as error:
        raise BadArrival(
            "weights_format",
            object=object,
            found=printable(str(error), limit=200),
            needed="a safetensors file",
        ) from error


def largest_file(architecture: Architecture) -> int:
    """Say how many bytes are fetched for a file of this architecture: what its tensors take, and some.

    The slack lets a file that is only a little too large be read, so that the reason says what is in it.
    """
    tensors = expected_tensors(architecture).values()
    most = sum(math.prod(each.shape) * max(ITEM_BYTES[dtype] for dtype in each.dtypes) for each in tensors)
    return most + SLACK_BYTES


def load_source(path: Path, architecture: Architecture, *, object: str) -> nn.Module:  # noqa: A002
    """Check a source and load it into a fresh module, in float32 on the CPU. Raises as check_source."""
    check_source(path, architecture, object=object)
    return load_module(path, architecture)


def load_module(path: Path, architecture: Architecture) -> nn.Module:
    """Load a file that was checked before into a fresh module, in float32 on the CPU."""
    module = new_module(architecture)
    load_into(module, path)
    return module


def load_into(module: nn.Module, path: Path) -> None:
    """Copy a file's tensors into a module, one by one, converted to the module's dtypes and device.

    Raises BadArrival when the file does not hold exactly the module's tensors.
    """
    check_header(path, tensors_of(module), object=str(path))
    state = module.state_dict()
    with torch.no_grad(), safe_open(path, framework="pt") as file:
        for name, tensor in state.items():
            tensor.copy_(file.get_tensor(name))


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read all tensors of a file whose header was checked, whatever their names."""
    with safe_open(path, framework="pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no mapping


def write(module: nn.Module, path: Path) -> None:
    """Write a module's state_dict, replacing the file in one step that a power cut may undo."""
    os.replace(_draft(module.state_dict(), path), path)


def save(module: nn.Module, path: Path) -> str:
    """Write a module's state_dict as save_tensors does."""
    return save_tensors(module.state_dict(), path)


def save_tensors(tensors: Mapping[str, Tensor], path: Path) -> str:
    """Write tensors, replacing the file in one durable step; give its SHA-256 (hex).

    The same tensors give the same bytes.
    """
    draft = _draft(tensors, path)
    with draft.open("rb") as file:
        os.fsync(file.fileno())
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    os.replace(draft, path)
    _fsync_directory(path.parent)
    return digest


def _spec(tensor: Tensor) -> TensorSpec:
    own = _DTYPES[tensor.dtype]
    return TensorSpec(
        tuple(tensor.shape), tuple(dict.fromkeys((own, *FLOATS))) if tensor.is_floating_point() else (own,)
    )


def _draft(tensors: Mapping[str, Tensor], path: Path) -> Path:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.draft")
    try:
        save_file(_unshared(tensors), draft)
    except BaseException as error:
        draft.unlink(missing_ok=True)
        if trouble := disk_trouble(error):
            raise NoSpace(f"{path}: {trouble}; nothing was saved; make room, it is tried again") from error
        raise
    return draft


def _unshared(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Bring tensors to the CPU, contiguous; those that share memory (tied weights) get copies."""
    seen: set[int] = set()
    plain: dict[str, Tensor] = {}
    for name, tensor in state.items():
        ready = tensor.detach().cpu().contiguous()
        if ready.untyped_storage().data_ptr() in seen:
            ready = ready.clone()
        seen.add(ready.untyped_storage().data_ptr())
        plain[name] = ready
    return plain


def _fsync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
