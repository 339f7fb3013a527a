"""A ledger: one JSON line per record, appended by several workers, read again to go on after a stop."""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar

from tasks.studies.cell import Cell


class Record(Protocol):
    """A frozen dataclass of texts, numbers and tuples of those."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


R = TypeVar("R", bound=Record)


def append(path: Path, record: Record) -> None:
    """Write a record as one line, in one system call, so that workers never mix their lines."""
    line = (json.dumps(asdict(record), separators=(",", ":")) + "\n").encode()
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


def records(path: Path, kind: type[R]) -> Iterator[R]:
    """Read all records of one kind; none when there is no ledger yet."""
    if not path.exists():
        return
    for line in path.read_text().splitlines():
        yield kind(**{name: _frozen(value) for name, value in json.loads(line).items()})


def done(path: Path) -> frozenset[tuple[str, int, str]]:
    """Name the cells that need no second run: setting, seed, peer."""
    return frozenset((cell.setting, cell.seed, cell.peer) for cell in records(path, Cell))


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
