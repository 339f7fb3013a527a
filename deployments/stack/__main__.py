"""The whole system on this machine, on real parts: `python -m deployments.stack up`."""

import argparse
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil

from deployments.stack.up import up
from tasks.errors import GraspError

DIRECTORY = Path(".stack")
DOWN_S = 90.0


def main() -> None:
    """Bring a stack up, in the foreground, or ask one that runs to stop."""
    parser = argparse.ArgumentParser(prog="python -m deployments.stack", description=__doc__)
    parser.add_argument("what", choices=("up", "down"), help="up: until Ctrl-C; down: stop what up started")
    parser.add_argument("--dir", type=Path, default=DIRECTORY, help="where it keeps everything")
    options = parser.parse_args()
    directory = options.dir.absolute()
    try:
        sys.exit(up(directory, tell=_tell) if options.what == "up" else down(directory))
    except GraspError as error:
        sys.exit(f"stack: {error}")


def down(directory: Path) -> int:
    """Ask the supervisor to stop, and wait for it."""
    from deployments.supervision.state import supervisor_of

    supervisor = supervisor_of(directory)
    if supervisor is None:
        _tell("nothing runs there")
        return 0
    with suppress(psutil.NoSuchProcess):
        os.kill(supervisor.pid, signal.SIGTERM)
        supervisor.wait(DOWN_S)
    return 0


def _tell(line: str) -> None:
    sys.stdout.write(f"[{time.monotonic() - STARTED:4.0f} s] {line}\n")
    sys.stdout.flush()


STARTED = time.monotonic()

if __name__ == "__main__":
    main()
