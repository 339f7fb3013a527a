"""Runs of `grasp demo`, as a person starts them."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any


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
def started_demo(directory: Path, output: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A demo in a process of its own; a test that fails takes it down with it."""
    grasp = Path(sys.executable).with_name("grasp")
    with output.open("wb") as log:
        demo = subprocess.Popen([grasp, "demo", "--dir", directory], stdout=log, stderr=log)
    try:
        yield demo
    finally:
        demo.kill()
        demo.wait()
