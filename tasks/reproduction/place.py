"""Where a reproduction keeps what it made: data, weights of sources, ledgers, report."""

import fcntl
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tasks.errors import OperationRefused
from tasks.reproduction.study import DATA, TRAINED


@dataclass(frozen=True, slots=True)
class Place:
    """The folder of one study."""

    out: Path

    @property
    def data(self) -> Path:
        """Name the folder of the arrays."""
        return self.out / DATA

    @property
    def cells(self) -> Path:
        """Name the ledger of cells."""
        return self.out / "cells.jsonl"

    @property
    def trained(self) -> Path:
        """Name the ledger of sources."""
        return self.out / TRAINED

    @property
    def peaks(self) -> Path:
        """Name the ledger of peaks."""
        return self.out / "peaks.jsonl"

    @property
    def scratch(self) -> Path:
        """Name the folder of what is at work, in folders that are swept."""
        return self.out / ".scratch"

    def key(self) -> str:
        """Give the study's name among others of its kind in MLflow, drawn once."""
        file = self.out / "key.txt"
        if not file.exists():
            file.write_text(secrets.token_hex(6) + "\n")
        return file.read_text().strip()

    def weights(self, architecture: str, seed: int) -> Path:
        """Name the folder of one seed's networks."""
        return self.out / "sources" / architecture.replace("/", "--") / f"seed-{seed}"

    def file(self, architecture: str, seed: int, name: str) -> Path:
        """Name the file of one network."""
        return self.weights(architecture, seed) / f"{name}.tensors"

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other runs out as long as this one works. Raises OperationRefused when one is at work."""
        with (self.out / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise OperationRefused(
                    f"{self.out}: another grasp reproduce is at work there, wait or name another --out; "
                    "nothing was done"
                ) from error
            yield
