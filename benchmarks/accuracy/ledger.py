"""The ledger: one JSON line per cell, appended by several workers, read again to go on after a stop."""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from benchmarks.accuracy.cells import Cell


def append(path: Path, cell: Cell) -> None:
    """Write a cell as one line, in one system call, so that workers never mix their lines."""
    line = (json.dumps(asdict(cell), separators=(",", ":")) + "\n").encode()
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(file, line)
    finally:
        os.close(file)


def mend(path: Path) -> None:
    """Cut off a last line that a killed worker left unfinished."""
    if path.exists():
        content = path.read_bytes()
        if content and not content.endswith(b"\n"):
            path.write_bytes(content[: content.rfind(b"\n") + 1])


def cells(path: Path) -> Iterator[Cell]:
    """Read all cells; none when there is no ledger yet."""
    if not path.exists():
        return
    for line in path.read_text().splitlines():
        fields = json.loads(line)
        yield Cell(**fields | {"accuracies": tuple(fields["accuracies"])})


def done(path: Path) -> frozenset[tuple[str, int, str]]:
    """Name the cells that need no second run: setting, seed, peer."""
    return frozenset((cell.setting, cell.seed, cell.peer) for cell in cells(path))
