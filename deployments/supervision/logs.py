"""One log per unit, in one folder; a long one is cut while it is written."""

import os
from pathlib import Path
from typing import BinaryIO

from tasks.credentials.redact import redacted

LONGEST_BYTES = 20 * 1024 * 1024


def log_of(directory: Path, name: str) -> Path:
    """Give where a unit's output goes."""
    return directory / "logs" / f"{name}.log"


def open_log(directory: Path, name: str) -> BinaryIO:
    """Open a unit's log for its output: everything is added at its end, wherever that is."""
    path = log_of(directory, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("ab")


def cut_logs(directory: Path, *, longest_bytes: int = LONGEST_BYTES) -> None:
    """Move what is in a long log to NAME.log.1, in place of what was there; its writer goes on in it."""
    for path in (directory / "logs").glob("*.log"):
        if path.stat().st_size > longest_bytes:
            old = path.with_suffix(".log.1")
            old.write_bytes(path.read_bytes())
            os.truncate(path, 0)


def last_lines(path: Path, count: int = 8) -> list[str]:
    """Give the end of a log, without what is secret."""
    try:
        return redacted(path.read_text(errors="replace")).splitlines()[-count:]
    except FileNotFoundError:
        return []
