"""One stack for all tests that need one: real PostgreSQL, Redis, Ceph RGW, nginx, MLflow, Prefect."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployments.stack.layout import Layout, read_layout
from deployments.stack.programs import missing_packages

UP_S = 400.0


class Stack:
    """A stack in a directory, and the process that keeps it."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.output = directory, directory.with_suffix(".out")
        self.start()

    @property
    def layout(self) -> Layout:
        return read_layout(self.directory)

    def start(self) -> None:
        """Bring it up, and wait until it is."""
        command = [sys.executable, "-m", "deployments.stack", "up", "--dir", str(self.directory)]
        with self.output.open("wb") as output:
            self.supervisor = subprocess.Popen(
                command, stdout=output, stderr=output, cwd=Path(__file__).parents[3], start_new_session=True
            )
        limit = time.monotonic() + UP_S
        while "the stack is up" not in self.output.read_text():
            assert self.supervisor.poll() is None, self.output.read_text()
            assert time.monotonic() < limit, self.output.read_text()
            time.sleep(0.2)

    def stop(self) -> int:
        """Ask it to stop; gives the exit code."""
        if self.supervisor.poll() is None:
            os.kill(self.supervisor.pid, signal.SIGTERM)
        return self.supervisor.wait(120)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack; skipped where a program of it is not installed."""
    if missing := missing_packages():
        pytest.skip(f"not installed: {', '.join(missing)}")
    made = Stack(tmp_path_factory.mktemp("stack") / "stack")
    yield made
    made.stop()
