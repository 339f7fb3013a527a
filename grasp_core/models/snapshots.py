"""Named copies of a module's tensors: in memory for small things, on disk to keep memory flat."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from grasp_core.errors import InvalidSnapshot

STEM = "stem"  # the one name that outlives an absorb


class Snapshots(Protocol):
    """Where a module's parameters and buffers can be put aside under a name, and taken back."""

    def save(self, name: str, module: nn.Module) -> None:
        """Keep all tensors of the module under the name, in place of what was there."""

    def load_into(self, name: str, module: nn.Module) -> None:
        """Copy the tensors kept under the name into the module, in place."""


class MemorySnapshots:
    """Snapshots as cloned tensors, on the module's device: one parameter size each."""

    def __init__(self) -> None:
        self._kept: dict[str, dict[str, Tensor]] = {}

    def save(self, name: str, module: nn.Module) -> None:
        """Clone the module's tensors."""
        self._kept[name] = {key: tensor.clone() for key, tensor in module.state_dict().items()}

    def load_into(self, name: str, module: nn.Module) -> None:
        """Copy the clones back; raises InvalidSnapshot when there are none or they do not fit."""
        if name not in self._kept:
            raise InvalidSnapshot(
                f"snapshot {name} is not there, needs to be saved first; nothing was loaded"
            )
        kept, needed = self._kept[name], module.state_dict()
        _check(name, _layout(kept), _layout(needed))
        with torch.no_grad():
            for key, tensor in needed.items():
                tensor.copy_(kept[key])


class DiskSnapshots:
    """Snapshots as raw bytes in files of one directory, with their layout beside; tensor by tensor."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def save(self, name: str, module: nn.Module) -> None:
        """Write the module's tensors; a snapshot of that name is replaced in one step."""
        state = module.state_dict()
        draft = self._directory / f"{name}.tmp"
        with draft.open("wb") as file:
            file.write(json.dumps(_layout(state)).encode() + b"\n")
            for tensor in state.values():
                flat = tensor.detach().cpu().contiguous().reshape(-1)
                file.write(flat.view(torch.uint8).numpy().data)
        os.replace(draft, self._directory / f"{name}.tensors")

    def load_into(self, name: str, module: nn.Module) -> None:
        """Read them back; raises InvalidSnapshot when the file is absent or does not fit."""
        path = self._directory / f"{name}.tensors"
        if not path.exists():
            raise InvalidSnapshot(
                f"snapshot {path} is not there, needs to be saved first; nothing was loaded"
            )
        state = module.state_dict()
        with path.open("rb") as file, torch.no_grad():
            _check(name, json.loads(file.readline()), _layout(state))
            for tensor in state.values():
                size_bytes = tensor.numel() * tensor.element_size()
                raw = np.fromfile(file, dtype=np.uint8, count=size_bytes)
                tensor.copy_(torch.from_numpy(raw).view(tensor.dtype).reshape(tensor.shape))


@contextmanager
def restored_on_error(name: str, module: nn.Module, snapshots: Snapshots) -> Iterator[None]:
    """Put the module back to its snapshot when anything fails inside."""
    try:
        yield
    except BaseException:
        snapshots.load_into(name, module)
        raise


def _layout(state: dict[str, Tensor]) -> list[list[object]]:
    return [[name, str(tensor.dtype), list(tensor.shape)] for name, tensor in state.items()]


def _check(name: str, found: list[list[object]], needed: list[list[object]]) -> None:
    for have, want in zip(found, needed, strict=False):
        if have != want:
            raise InvalidSnapshot(
                f"snapshot {name} holds {have}, the module needs {want}; nothing was loaded"
            )
    if len(found) != len(needed):
        raise InvalidSnapshot(
            f"snapshot {name} holds {len(found)} tensors, the module needs {len(needed)}; nothing was loaded"
        )
