"""Turn a publisher's checkpoint into the safetensors of its architecture. No flow reaches this.

The only place where torch.load stands, and it unpickles nothing but tensors (weights_only).
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tasks.contracts.base import Architecture
from tasks.errors import BadArrival, InvalidCheckpoint
from tasks.printable import printable
from tasks.weights.files import expected_tensors, read_tensors, save_tensors
from tasks.weights.header import check_header, read_header
from tasks.weights.kinds import RESAVE, is_checkpoint, kind_of
from tasks.weights.state_dicts import Chosen, choose

_FORBIDDEN = re.compile(r"GLOBAL (.+?) (?:was not an allowed|whose module)")  # as torch names it


@dataclass(frozen=True, kw_only=True, slots=True)
class Converted:
    """What a conversion did, and chose."""

    sha256: str
    chosen: Chosen
    doubles: int  # tensors in float64, which became float32

    @property
    def prefix(self) -> str:
        """Give the prefix taken off the names."""
        return self.chosen.prefix

    @property
    def dropped(self) -> tuple[str, ...]:
        """Give the names of the tensors beside the model that were left out."""
        return self.chosen.dropped


def fits_as_it_is(path: Path, architecture: Architecture) -> bool:
    """Say whether a safetensors file holds exactly an architecture's tensors. Raises InvalidCheckpoint."""
    try:
        check_header(path, expected_tensors(architecture), object=str(path))
    except BadArrival as error:
        if error.code == "weights_format":
            raise InvalidCheckpoint(
                f"{path}: found {error.found}, needs {error.needed}; nothing was published"
            ) from error
        return False
    return True


def convert(
    path: Path, into: Path, architecture: Architecture, *, prefix: str | None = None, nest: str | None = None
) -> Converted:
    """Write the tensors of a checkpoint that belong to the architecture as safetensors.

    path: torch's or safetensors. prefix: of the model's names, such as "model."; nest: the state dict in the
    checkpoint, such as "state_dict_ema"; each is found by itself when only one fits. float64 becomes float32,
    counters of batch norm that are not there become 0. Raises InvalidCheckpoint, UnknownArchitecture.
    """
    loaded = read_checkpoint(path) if is_checkpoint(path) else _read(path)
    needed = expected_tensors(architecture)
    chosen = choose(loaded, needed, path, architecture=architecture.id, prefix=prefix, nest=nest)
    tensors = {name: _plain(tensor, name, path) for name, tensor in chosen.tensors.items()}
    doubles = [name for name, tensor in tensors.items() if tensor.dtype == torch.float64]
    whole = tensors | {name: tensors[name].float() for name in doubles}
    whole |= {name: torch.zeros(needed[name].shape, dtype=torch.int64) for name in chosen.absent}
    sha256 = save_tensors({name: whole[name] for name in needed}, into)
    return Converted(sha256=sha256, chosen=chosen, doubles=len(doubles))


def read_checkpoint(path: Path) -> Any:
    """Read what a checkpoint holds, tensors and plain values only. Raises InvalidCheckpoint."""
    kind = kind_of(path)
    if kind:
        raise InvalidCheckpoint(f"{path}: is {kind.name}; {kind.cure}; nothing was converted")
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # its kinds are many: what counts is that the file cannot be read
        raise InvalidCheckpoint(
            f"{path}: {_refusal(str(error))}; nothing was converted; save the model's state_dict alone: "
            'torch.save(checkpoint["state_dict"], FILE), or torch.save(model.state_dict(), FILE)'
        ) from error


def _read(path: Path) -> dict[str, Tensor]:
    try:
        read_header(path, object=str(path))
    except BadArrival as error:
        raise InvalidCheckpoint(f"{path}: found {error.found}; nothing was converted") from error
    return read_tensors(path)


def _refusal(said: str) -> str:
    """Say what torch found, without its advice to trust the file and load it all the same."""
    forbidden = _FORBIDDEN.search(said)
    if forbidden:
        return f"holds {printable(forbidden[1], limit=200)}, needs tensors and plain values only"
    problem = said.rpartition("WeightsUnpickler error:")[2].strip().split("\n")[0]
    return f"cannot be read as plain tensors: {printable(problem, limit=300)}"


def _plain(tensor: Tensor, name: str, path: Path) -> Tensor:
    """Give a tensor that has a value for each place, stored as it is; others are named by what they are."""
    if tensor.is_quantized:
        found, cure = (
            f"quantized ({tensor.dtype})",
            f"its values were rounded: {RESAVE}, of the float model",
        )
    elif tensor.layout is not torch.strided:
        found, cure = f"sparse ({tensor.layout})", "call its to_dense() before it is saved"
    elif tensor.device.type == "meta":
        found, cure = "on the meta device, without values", "save the model after its weights were loaded"
    elif tensor.is_complex():
        found, cure = f"complex ({tensor.dtype})", "this architecture has real numbers only"
    else:
        return tensor
    raise InvalidCheckpoint(f"{path}: tensor {name} is {found}; {cure}; nothing was converted")
