"""Run a worker to its end, and end it in time: one signal stops it, what does not stop is killed.

Prefect 3.8.8's worker does not stop well by itself. A shell starts what ends in `&` with Ctrl-C ignored, and
the worker turns SIGTERM into just that: it went on, and took the next run. Where it does stop, it kills its
flow runs without a word. So it gets Ctrl-C back, is held still while its runs end, and somebody waits with a
clock.
"""

import ctypes
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from types import FrameType

import psutil

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
GRACE_S = 20.0  # for flow runs: an absorb gives its attempt back in two or three
LAST_S = 5.0  # for the worker itself, when no run is left
POLL_S = 0.1
_PDEATHSIG = 1  # prctl's: which signal a process gets when its parent is gone


class Stops:
    """Counts the signals that ask for the end."""

    def __init__(self) -> None:
        self.asked = 0
        for each in ENDING:  # also: a child of ours starts with the system's own answer to them
            signal.signal(each, self._ask)

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        self.asked += 1


def supervise(command: Sequence[str], environment: Mapping[str, str], *, grace_s: float = GRACE_S) -> int:
    """Run a worker until it ends or a signal asks; gives its exit code, 128 + 15 when it was stopped.

    On the first signal the worker takes no further run, and those at work get SIGTERM: an absorb gives its
    attempt back. What has not ended after grace_s, or at a second signal, is killed.
    """
    stops = Stops()
    worker = subprocess.Popen(
        command, env=dict(environment), start_new_session=True, preexec_fn=_end_with_parent
    )
    while worker.poll() is None and not stops.asked:
        time.sleep(POLL_S)
    if worker.poll() is not None:
        return worker.returncode
    killed = _stop(worker, psutil.Process(worker.pid), stops, grace_s)
    if killed:
        sys.stderr.write(f"{killed} processes had not ended {grace_s:.0f} s after the signal: killed\n")
    return 128 + signal.SIGTERM


def _stop(worker: subprocess.Popen[bytes], seen: psutil.Process, stops: Stops, grace_s: float) -> int:
    """End flow runs, then the worker; gives how many processes had to be killed."""
    seen.suspend()
    started = seen.children(recursive=True)
    for flow_run in seen.children():
        with suppress(psutil.NoSuchProcess):
            flow_run.terminate()
    _wait(lambda: not any(map(_is_alive, started)), stops, grace_s)
    killed = sum(map(_kill, started))
    with suppress(psutil.NoSuchProcess):
        seen.terminate()
        seen.resume()
    _wait(lambda: worker.poll() is not None, stops, LAST_S)
    killed += sum(map(_kill, [*_below(seen), seen]))
    worker.wait()
    return killed


def _wait(ended: Callable[[], bool], stops: Stops, within_s: float) -> None:
    limit = time.monotonic() + within_s
    while not ended() and time.monotonic() < limit and stops.asked < 2:
        time.sleep(POLL_S)


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _below(process: psutil.Process) -> list[psutil.Process]:
    return process.children(recursive=True) if _is_alive(process) else []


def _kill(process: psutil.Process) -> bool:
    """Kill a process if it is alive; says whether it was."""
    if not _is_alive(process):
        return False
    with suppress(psutil.NoSuchProcess):
        process.kill()
    return True


def _end_with_parent() -> None:
    """Let the kernel stop the worker when we are killed ourselves; only Linux can."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PDEATHSIG, signal.SIGTERM)
