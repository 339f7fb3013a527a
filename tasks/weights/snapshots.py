"""The core's snapshots as safetensors files, so that a stem is ready to be logged as it lies."""

from pathlib import Path

from torch import nn

from grasp_core.errors import InvalidSnapshot
from tasks.errors import BadArrival
from tasks.weights.files import load_into, write


class FileSnapshots:
    """Snapshots in one directory, one safetensors file per name, each replaced in one step.

    They are scratch, so nothing waits for the disk: a crash loses them together with the absorb.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def path(self, name: str) -> Path:
        """Say where the snapshot of this name lies."""
        return self._directory / f"{name}.safetensors"

    def save(self, name: str, module: nn.Module) -> None:
        """Write all tensors of the module under the name."""
        write(module, self.path(name))

    def load_into(self, name: str, module: nn.Module) -> None:
        """Copy them into the module; raises InvalidSnapshot when the file is absent or does not fit."""
        path = self.path(name)
        if not path.exists():
            raise InvalidSnapshot(
                f"snapshot {path} is not there, needs to be saved first; nothing was loaded"
            )
        try:
            load_into(module, path)
        except BadArrival as error:
            raise InvalidSnapshot(
                f"snapshot {path}: found {error.found}, needs {error.needed}; nothing was loaded"
            ) from error
