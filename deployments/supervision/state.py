"""What is known of a supervisor from outside: does it live, how do its units stand, what did it leave."""

import fcntl
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

import psutil
from pydantic import BaseModel

from deployments.marks import end_marked
from deployments.supervision.unit import Progress
from tasks.errors import InvalidSettings

LOCK, STATUS = "supervisor.lock", "status.json"
GLANCE_S = 2.0  # somebody who looks whether a supervisor is there holds the lock for a moment


class Status(BaseModel):
    """A supervisor's word: its process, whether everything is up, and each unit."""

    pid: int | None = None
    up: bool = False
    units: Mapping[str, Progress] = {}


@contextmanager
def alone(directory: Path) -> Iterator[None]:
    """Hold the directory. Raises InvalidSettings while another supervisor does."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / LOCK).open("a") as lock:
        limit = time.monotonic() + GLANCE_S
        while not _takes(lock):
            if time.monotonic() > limit:
                raise InvalidSettings(f"{directory}: a supervisor is at work there; nothing was started")
            time.sleep(0.1)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def status_of(directory: Path) -> Status:
    """Read what the supervisor last said of its units; nothing of a directory that never had one."""
    try:
        return Status.model_validate_json((directory / STATUS).read_bytes())
    except FileNotFoundError:
        return Status()


def supervisor_of(directory: Path) -> psutil.Process | None:
    """Give the living supervisor of a directory, if there is one."""
    with suppress(FileNotFoundError, ValueError, psutil.NoSuchProcess), (directory / LOCK).open() as lock:
        if not _takes(lock):
            return psutil.Process(int(lock.read()))
    return None


def end_leftovers(directory: Path, *, mark: str, below: Sequence[str] = ("work",)) -> None:
    """Kill what a supervisor that was itself killed has left.

    By its mark, and by the folders in which it works: some servers write over the environment that shows the
    mark.
    """
    end_marked(mark)
    found = [process for process in psutil.process_iter() if _works_in(process, directory, below)]
    for process in found:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(found, timeout=5)


def _takes(lock: TextIO) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _works_in(process: psutil.Process, directory: Path, below: Sequence[str]) -> bool:
    try:
        where = Path(process.cwd())
    except (psutil.Error, OSError):
        return False
    return any(where.is_relative_to(directory / part) for part in below)
