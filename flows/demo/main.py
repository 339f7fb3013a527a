"""`grasp demo`: the whole pipeline on this machine, with real servers, real images and the real watch."""

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn

from rich.console import Console

from flows.demo.play import Stage, play
from flows.demo.servers.addresses import Addresses, environment_of
from flows.demo.servers.processes import Children
from flows.demo.servers.workspace import workspace
from flows.demo.stacked import conclude, run_on_stack
from flows.demo.view import view_on

INTERRUPTED = 128 + signal.SIGINT
PLAIN_WIDTH = 110  # of a table in a log


def run(
    *, directory: Path = Path(".demo"), keep: bool = False, seed: int = 0, stack: Path | None = None
) -> int:
    """Play the demo in a directory, which is emptied first; give 0 when all is as it should be, else 1.

    keep: leave the servers up after the end until Ctrl-C, as on a terminal. However it ends, by Ctrl-C or
    kill -9 too, no process is left. stack: play on the servers that `python -m deployments.stack up` runs in
    that directory. Raises DemoFailed.
    """
    console = Console(highlight=False, width=None if sys.stdout.isatty() else PLAIN_WIDTH)
    try:
        with _ends_by_signal(), workspace(directory) as here:
            if stack is not None:
                return run_on_stack(console, here, stack=stack, seed=seed)
            return _run(console, here, keep=keep or console.is_terminal, seed=seed)
    except KeyboardInterrupt:
        return INTERRUPTED


def _run(console: Console, directory: Path, *, keep: bool, seed: int) -> int:
    addresses = Addresses.choose()
    children = Children(logs=directory / "logs", environment=environment_of(addresses, directory))
    with _told(console, directory, children), children, _asked(console, children):
        with view_on(console) as view:
            stage = Stage(directory=directory, addresses=addresses, children=children, view=view, seed=seed)
            summary = play(stage)
        failed = conclude(console, directory, summary)
        if keep:
            console.print("both UIs stay up until Ctrl-C")
            with suppress(KeyboardInterrupt):
                _wait(children)
            _say_stopping(console, children)
    return failed


@contextmanager
def _asked(console: Console, children: Children) -> Iterator[None]:
    """Answer a Ctrl-C, or a signal, at once: ending the processes takes some seconds."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        _say_stopping(console, children)
        raise


def _say_stopping(console: Console, children: Children) -> None:
    console.print(f"stopping {', '.join(children.names) or 'what was started'}; this takes some seconds")


@contextmanager
def _told(console: Console, directory: Path, children: Children) -> Iterator[None]:
    """Say, however the demo ends, what was stopped and what is left."""
    try:
        yield
    finally:
        stopped = ", ".join(children.names) or "no process"
        console.print(
            f"stopped: {stopped}; nothing of the demo runs any more; its logs are in {directory}/logs"
        )


def _wait(children: Children) -> NoReturn:
    while True:
        children.check()
        time.sleep(1)


@contextmanager
def _ends_by_signal() -> Iterator[None]:
    """Let Ctrl-C, SIGTERM and a closed terminal unwind the stack, so that children are ended.

    A shell starts background jobs with Ctrl-C ignored, which Python would keep.
    """
    handlers = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: _leave, signal.SIGHUP: _leave}
    before = {each: signal.signal(each, handler) for each, handler in handlers.items()}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _leave(number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)
