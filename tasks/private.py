"""Private directories for unfinished work; those of processes that died are swept away."""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = ".partial-"
GRACE_S = 60  # between the making of a directory and its lock


@contextmanager
def private_directory(parent: Path) -> Iterator[Path]:
    """Give an empty directory below `parent` that only this user can enter; it is gone afterwards.

    A process that is killed leaves its directory behind: the next call, of any process, removes it.
    """
    parent.mkdir(parents=True, exist_ok=True)
    sweep(parent)
    path = Path(tempfile.mkdtemp(dir=parent, prefix=PREFIX))
    lock = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(lock)


def sweep(parent: Path, *, grace_s: float = GRACE_S) -> None:
    """Remove private directories that no living process holds."""
    for path in parent.glob(f"{PREFIX}*"):
        try:
            lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:
            continue  # gone, or no directory of ours
        try:
            if time.time() - os.fstat(lock).st_mtime > grace_s:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path, ignore_errors=True)
        except BlockingIOError:
            continue  # its process lives
        finally:
            os.close(lock)
