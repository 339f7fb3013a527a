"""Sums of tensors that wait on disk, so that memory is left for what comes meanwhile."""

import tempfile
from types import TracebackType
from typing import NamedTuple, Self

import torch
from torch import Tensor


class _Place(NamedTuple):
    offset: int
    shape: torch.Size
    dtype: torch.dtype
    device: torch.device


class Spill:
    """Tensors by name in an unnamed file (in TMPDIR) that is gone when this is left. A context manager."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - __exit__ closes it
        self._places: dict[str, _Place] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def __contains__(self, name: str) -> bool:
        return name in self._places

    def add(self, name: str, tensor: Tensor) -> None:
        """Keep a tensor's values, added to those that are there, if any; same shape and dtype each time."""
        if name in self._places:
            tensor = self.read(name).add_(tensor)
        else:
            end = self._file.seek(0, 2)
            self._places[name] = _Place(end, tensor.shape, tensor.dtype, tensor.device)
        self._file.seek(self._places[name].offset)
        content = tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().data
        while content:
            content = content[self._file.write(content) :]

    def read(self, name: str) -> Tensor:
        """Give the values kept under a name, on the device that they came from."""
        place = self._places[name]
        content = bytearray(place.shape.numel() * place.dtype.itemsize)
        if not content:
            return torch.empty(place.shape, dtype=place.dtype, device=place.device)
        self._file.seek(place.offset)
        view = memoryview(content)
        while view:
            view = view[self._file.readinto(view) :]
        return torch.frombuffer(content, dtype=place.dtype).view(place.shape).to(place.device)
