"""The demo's own directory: one demo at a time, and every run starts clean."""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flows.demo.servers.failure import DemoFailed

LOCK = "demo.lock"  # also says that the directory is ours to empty


@contextmanager
def workspace(path: Path) -> Iterator[Path]:
    """Take the directory for this run, empty but for a lock; gives its absolute path.

    Raises DemoFailed when another demo works there, or when it holds what no demo wrote.
    """
    directory = path.absolute()
    directory.mkdir(parents=True, exist_ok=True)
    if any(directory.iterdir()) and not (directory / LOCK).is_file():
        raise DemoFailed(
            f"{path} holds files that no demo wrote; nothing was touched; name another with --dir"
        )
    with (directory / LOCK).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DemoFailed(f"another demo works in {path}; stop it, or name another with --dir") from error
        for leftover in directory.iterdir():
            if leftover.name != LOCK:
                shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
        (directory / "logs").mkdir()
        yield directory
