"""The demo's child processes: each in a session of its own, none outlives the demo."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from secrets import token_hex

from deployments.marks import VARIABLE, end_marked
from flows.demo.servers.failure import DemoFailed
from tasks.credentials.redact import redacted

POLL_S = 0.1
GRACE_S = 8.0  # for servers to end by themselves
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Children:
    """Starts processes, notices when one dies, ends them all. Use as a context manager.

    Sessions of their own keep the terminal's Ctrl-C away from them: the demo decides who ends when.
    """

    def __init__(self, *, logs: Path, environment: Mapping[str, str], grace_s: float = GRACE_S) -> None:
        self.mark = token_hex(16)
        self._logs, self._environment = logs, {**environment, VARIABLE: self.mark}
        self._grace_s = grace_s
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._kept: dict[str, tuple[Sequence[str], Path]] = {}
        self._lock = threading.Lock()
        self._ended = False
        self._guard: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Children":
        self._guard = subprocess.Popen(
            [sys.executable, "-m", "flows.demo.servers.guard", self.mark],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    @property
    def names(self) -> tuple[str, ...]:
        """Give the names of the services that were started, in that order."""
        return tuple(self._running)

    def start(self, name: str, command: Sequence[str], *, cwd: Path) -> None:
        """Start a service that shall run until the end; its output goes to <name>.log."""
        with self._lock:
            self._running[name] = self._popen(name, command, cwd)

    def keep(self, name: str, command: Sequence[str], *, cwd: Path) -> None:
        """Start a service that is started again whenever it dies, as a service manager does with workers."""
        self._kept[name] = (command, cwd)
        self.start(name, command, cwd=cwd)

    def run(self, name: str, command: Sequence[str], *, cwd: Path, timeout_s: float) -> None:
        """Run a command to its end. Raises DemoFailed when it fails, takes too long, or a service died."""
        with self._lock:
            process = self._popen(name, command, cwd)
        limit = time.monotonic() + timeout_s
        while process.poll() is None:
            self.check()
            if time.monotonic() > limit:
                raise DemoFailed(
                    f"{name}: still runs after {timeout_s:.0f} s, needs to have ended; {self._see(name)}"
                )
            time.sleep(POLL_S)
        if process.returncode:
            raise DemoFailed(f"{name}: ended with exit code {process.returncode}; {self._see(name)}")

    def check(self) -> None:
        """Start what is kept again; raise DemoFailed when another service has ended, or all were ended."""
        for name, process in list(self._running.items()):
            if process.poll() is None:
                continue
            if name in self._kept and not self._ended:
                command, cwd = self._kept[name]
                self.start(name, command, cwd=cwd)
            else:
                raise DemoFailed(
                    f"{name}: ended by itself with exit code {process.returncode}, needs to keep running; "
                    f"{self._see(name)}"
                )
        if self._ended:
            raise DemoFailed("the demo is being stopped; nothing more is started")

    def end(self) -> None:
        """End all children and whatever they started. May be called twice; Ctrl-C does not interrupt it."""
        with _no_interrupts():
            with self._lock:
                self._ended = True
            self._end_services()
            end_marked(self.mark)
            if self._guard and self._guard.stdin:
                self._guard.stdin.close()
                self._guard.wait()

    def _end_services(self) -> None:
        """Ask politely, the newest first: a worker takes its flow runs with it. What is left is killed."""
        limit = time.monotonic() + self._grace_s
        for process in reversed(self._running.values()):
            process.terminate()
        for process in self._running.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, limit - time.monotonic()))

    def _popen(self, name: str, command: Sequence[str], cwd: Path) -> subprocess.Popen[bytes]:
        if self._ended:
            raise DemoFailed(f"{name}: not started, the demo is being stopped")
        cwd.mkdir(parents=True, exist_ok=True)
        with (self._logs / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                command,
                cwd=cwd,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _see(self, name: str) -> str:
        path = self._logs / f"{name}.log"
        lines = redacted(path.read_text(errors="replace")).splitlines()[-8:]
        return "\n  ".join([f"{os.path.relpath(path)} ends with:", *lines])


@contextlib.contextmanager
def _no_interrupts() -> Iterator[None]:
    """Shield a clean-up from impatient fingers; only the main thread receives signals at all."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {each: signal.signal(each, signal.SIG_IGN) for each in ENDING}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
