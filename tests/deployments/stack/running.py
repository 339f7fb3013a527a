"""A stack in a process of its own, for tests: started, stopped, cut off."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from deployments.stack.layout import WORKPLACES, Layout, read_layout
from deployments.supervision.state import end_leftovers, status_of
from tests.deployments.stack.looking import watch_for_pickles

UP_S = 400.0


class Stack:
    """A stack in a directory, and the process that keeps it."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.output = directory, directory.with_suffix(".out")
        self.pickles = directory.parent / "pickles"
        self._environment = {**os.environ, **watch_for_pickles(directory.parent)}
        self.start()

    @property
    def layout(self) -> Layout:
        return read_layout(self.directory)

    @property
    def mark(self) -> str:
        return self.layout.mark

    def pid(self, unit: str) -> int | None:
        """Give the process of a unit, if it runs now."""
        progress = status_of(self.directory).units.get(unit)
        return progress.pid if progress else None

    def power_cut(self) -> None:
        """Kill everything at once."""
        self.supervisor.kill()
        self.supervisor.wait()
        end_leftovers(self.directory, mark=self.mark, below=WORKPLACES)

    def start(self) -> None:
        """Bring it up, and wait until it is."""
        command = [sys.executable, "-m", "deployments.stack", "up", "--dir", str(self.directory)]
        with self.output.open("wb") as output:
            self.supervisor = subprocess.Popen(
                command,
                stdout=output,
                stderr=output,
                cwd=Path(__file__).parents[3],
                env=self._environment,
                start_new_session=True,
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
