"""Runs of `grasp demo`, as a person starts them."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

THIS = Path(sys.executable).with_name("grasp")


@dataclass(frozen=True)
class DemoRun:
    """A demo that has ended, and what it left."""

    directory: Path
    output: Path
    exit_code: int

    @property
    def summary(self) -> dict[str, Any]:
        """Give its summary.json."""
        found: dict[str, Any] = json.loads((self.directory / "summary.json").read_text())
        return found


@contextmanager
def started_demo(directory: Path, output: Path, *, grasp: Path = THIS) -> Iterator[subprocess.Popen[bytes]]:
    """A demo in a process of its own; a test that fails takes it down with it.

    grasp: the command, this environment's or that of an installed wheel. It runs where no clone is.
    """
    with output.open("wb") as log:
        demo = subprocess.Popen(
            [grasp, "demo", "--dir", directory], cwd=output.parent, stdout=log, stderr=log
        )
    try:
        yield demo
    finally:
        demo.kill()
        demo.wait()
