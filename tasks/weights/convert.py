"""Turn a publisher's torch checkpoint into safetensors, on the publisher's machine. No flow reaches this.

The only place where torch.load stands, and it unpickles nothing but tensors (weights_only).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tasks.contracts.base import Architecture
from tasks.errors import InvalidCheckpoint
from tasks.printable import printable
from tasks.weights.files import expected_tensors, save_tensors

NESTS = ("state_dict", "model_state_dict", "model_state", "model", "module", "network", "net", "weights")
_FORBIDDEN = re.compile(r"GLOBAL (.+?) (?:was not an allowed|whose module)")  # as torch names it


@dataclass(frozen=True, kw_only=True, slots=True)
class Converted:
    """What a conversion did: the prefix taken off names, and the tensors beside the model left out."""

    sha256: str
    prefix: str
    dropped: tuple[str, ...]


def convert(path: Path, into: Path, architecture: Architecture, *, prefix: str | None = None) -> Converted:
    """Write the tensors of a checkpoint that belong to the architecture as safetensors.

    prefix: of the model's names, such as "model."; found by itself when only one fits. float64 becomes
    float32. Raises InvalidCheckpoint, UnknownArchitecture.
    """
    state = _tensors(_load(path), path)
    needed = expected_tensors(architecture)
    chosen = _prefix(state, set(needed), path) if prefix is None else prefix
    found = {name.removeprefix(chosen): t for name, t in state.items() if name.startswith(chosen)}
    missing = [name for name in needed if name not in found]
    if missing:
        raise InvalidCheckpoint(
            f"{path}: {len(missing)} tensors of {architecture.id} are missing ({_some(missing)}) among "
            f"{len(found)} under prefix {chosen!r}; nothing was converted"
        )
    inside = [name for name in found if name not in needed]
    if inside:
        raise InvalidCheckpoint(
            f"{path}: holds {len(inside)} tensors that {architecture.id} does not have ({_some(inside)}); "
            "nothing was converted"
        )
    dropped = [name for name in state if not name.startswith(chosen)]
    sha256 = save_tensors({name: _plain(found[name], name, path) for name in needed}, into)
    return Converted(sha256=sha256, prefix=chosen, dropped=tuple(dropped))


def _load(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # its kinds are many: what counts is that the file cannot be read
        raise InvalidCheckpoint(
            f"{path}: {_refusal(str(error))}; nothing was converted; save the model's state_dict alone: "
            'torch.save(checkpoint["state_dict"], FILE), or torch.save(model.state_dict(), FILE)'
        ) from error


def _refusal(said: str) -> str:
    """Say what torch found, without its advice to trust the file and load it all the same."""
    forbidden = _FORBIDDEN.search(said)
    if forbidden:
        return f"holds {printable(forbidden[1], limit=200)}, needs tensors and plain values only"
    problem = said.rpartition("WeightsUnpickler error:")[2].strip().split("\n")[0]
    return f"cannot be read as plain tensors: {printable(problem, limit=300)}"


def _tensors(loaded: Any, path: Path) -> dict[str, Tensor]:
    """Find the state_dict: the file itself, or one level down as Lightning and others keep it."""
    if isinstance(loaded, Mapping):
        for name in NESTS:
            inner = loaded.get(name)
            if isinstance(inner, Mapping) and any(isinstance(value, Tensor) for value in inner.values()):
                loaded = inner
                break
        tensors = {str(name): value for name, value in loaded.items() if isinstance(value, Tensor)}
        if tensors:
            return tensors
    raise InvalidCheckpoint(
        f"{path}: holds {type(loaded).__name__}, needs a state_dict (names to tensors), or one under "
        f"{', '.join(NESTS[:3])}; nothing was converted"
    )


def _prefix(state: Mapping[str, Tensor], needed: set[str], path: Path) -> str:
    anchor = min(needed, key=len)
    ends = [name.removesuffix(anchor) for name in state if name.endswith(anchor)]
    fits = sorted({start for start in ends if all(start + name in state for name in needed)}, key=len)
    if len(fits) > 1:
        raise InvalidCheckpoint(
            f"{path}: holds the model {len(fits)} times, under {', '.join(map(repr, fits))}; say which with "
            "--prefix; nothing was converted"
        )
    return fits[0] if fits else ""


def _plain(tensor: Tensor, name: str, path: Path) -> Tensor:
    if tensor.layout is not torch.strided or tensor.is_quantized or tensor.device.type == "meta":
        raise InvalidCheckpoint(
            f"{path}: tensor {name} is {tensor.layout} on {tensor.device}, needs a dense one; "
            "nothing was converted"
        )
    return tensor.float() if tensor.dtype == torch.float64 else tensor


def _some(names: list[str]) -> str:
    return printable(", ".join(names[:3]) + (", ..." if len(names) > 3 else ""), limit=300)
