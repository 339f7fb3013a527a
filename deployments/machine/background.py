"""A stack in the background: start its supervisor and wait until all is up, or have it stopped."""

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from deployments.machine.layout import Layout, keep, make_layout
from deployments.machine.units import OPTIONAL
from deployments.supervision.logs import last_lines, log_of, open_log
from deployments.supervision.state import end_leftovers, supervisor_of
from tasks.errors import InvalidSettings, OrchestrationUnavailable

UP_S = 300.0  # on a very busy machine; a quiet one needs less than thirty
DOWN_S = 45.0  # each unit is killed when its own time is over: this is for a supervisor that hangs
NAME = "supervisor"
EVERYTHING = "none"  # without none


def start(directory: Path, *, without: Sequence[str], tell: Callable[[str], object]) -> Layout:
    """Start the stack of a directory and wait until all is up; one that runs is only waited for.

    without: units to leave out from now on; none given leaves it as it was.

    Raises OrchestrationUnavailable with the last words of what failed, InvalidSettings when one runs with
    other parts.
    """
    layout = make_layout(directory)
    running = supervisor_of(layout.data)
    if without:
        layout = _with_parts(layout, set(without) - {EVERYTHING}, running is not None)
    log = log_of(layout.data, NAME)
    read = 0
    if running is None:
        with open_log(layout.data, NAME) as output:
            read = output.tell()
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "deployments.machine", str(directory)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=layout.data,
                start_new_session=True,
            )
        running = psutil.Process(process.pid)
    _follow(log, read, running, tell)
    return layout


def _with_parts(layout: Layout, without: set[str], is_running: bool) -> Layout:
    if unknown := without - set(OPTIONAL):
        raise InvalidSettings(f"--without {', '.join(unknown)}: needs {', '.join(OPTIONAL)} or {EVERYTHING}")
    if is_running and without != set(layout.without):
        left_out = ", ".join(layout.without) or "nothing"
        raise InvalidSettings(f"the stack runs, without {left_out}; grasp down first; nothing was changed")
    changed = layout.model_copy(update={"without": tuple(sorted(without))})
    keep(changed)
    return changed


def _follow(log: Path, read: int, supervisor: psutil.Process, tell: Callable[[str], object]) -> None:
    """Tell what the supervisor tells, until it says that all is up."""
    limit = time.monotonic() + UP_S
    while time.monotonic() < limit:
        alive = supervisor.is_running() and supervisor.status() != psutil.STATUS_ZOMBIE
        with log.open() as story:
            story.seek(read)
            for line in iter(story.readline, ""):
                if line == "up\n":
                    return
                tell(line.rstrip("\n"))
            read = story.tell()
        if not alive:
            raise OrchestrationUnavailable(
                "\n  ".join(["the stack did not come up; nothing runs any more", *_last_words(log)])
            )
        time.sleep(0.2)
    raise OrchestrationUnavailable(
        f"the stack is not up after {UP_S:.0f} s; it goes on trying: grasp up --status; logs: {log.parent}"
    )


def _last_words(log: Path) -> list[str]:
    """Give the end of the log of whatever failed, which the supervisor names."""
    failed = next((line for line in reversed(last_lines(log, 20)) if line.startswith("failed: ")), "")
    name = failed.removeprefix("failed: ").partition(":")[0]
    own = log.with_name(f"{name}.log")
    return [f"{own} ends with:", *last_lines(own, 5)] if own.is_file() and name else last_lines(log, 5)


def stop(layout: Layout) -> bool:
    """Stop the stack, whatever it takes; says whether one ran."""
    running = supervisor_of(layout.data)
    if running is not None:
        with suppress(psutil.NoSuchProcess):
            running.terminate()
            try:
                running.wait(DOWN_S)
            except psutil.TimeoutExpired:
                running.kill()
    end_leftovers(layout.data, mark=layout.mark)
    return running is not None
