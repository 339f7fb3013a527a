"""Start units in their order, start again what dies, stop first what no other needs."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from signal import SIGKILL

from deployments.marks import VARIABLE, end_marked
from deployments.supervise import Stops
from deployments.supervision.logs import cut_logs, log_of, open_log
from deployments.supervision.private import write_private
from deployments.supervision.state import STATUS
from deployments.supervision.unit import Progress, Unit
from tasks.errors import OrchestrationUnavailable

POLL_S = 0.2
LONGEST_WAIT_S = 10.0  # between two starts of what keeps dying
TRIES = 6  # of a step
HOPELESS = os.EX_CONFIG  # a step that ends so is not tried again
HEALTH_EVERY_S, UNHEALTHY = 20.0, 3


class Supervisor:
    """Keeps units running. tell: gets a line for whatever a person wants to know."""

    def __init__(
        self, units: Iterable[Unit], directory: Path, *, mark: str, tell: Callable[[str], object]
    ) -> None:
        self._units = {unit.name: unit for unit in units}
        self._directory, self._mark, self._tell = directory, mark, tell
        self.progress = {name: Progress() for name in self._units}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._not_before: dict[str, float] = {}
        self._asked: dict[str, tuple[float, int]] = {}

    @property
    def is_up(self) -> bool:
        """Say whether every server is ready and every step done."""
        return all(each.state in ("ready", "done") for each in self.progress.values())

    def run(self, stops: Stops, *, when_up: Callable[[], object]) -> None:
        """Bring everything up and keep it so until a signal asks for the end; then stop it.

        Raises OrchestrationUnavailable when a step fails again and again; all is stopped then, too.
        """
        told = False
        try:
            while not stops.asked:
                self._tick()
                if self.is_up and not told:
                    told = True
                    when_up()
                time.sleep(POLL_S)
        finally:
            self._stop(stops)

    def _tick(self) -> None:
        before = self._picture()
        cut_logs(self._directory)
        for unit in self._units.values():
            progress = self.progress[unit.name]
            if progress.state == "waiting" and self._may_start(unit):
                self._start(unit)
            elif progress.state in ("starting", "ready"):
                self._look_at(unit)
        if self._picture() != before:
            self._write()

    def _may_start(self, unit: Unit) -> bool:
        begun = self.progress[unit.name].starts > 0  # again: what it needs may be on its way back, too
        others = all(self.progress[name].state in ("ready", "done") for name in unit.after)
        return (begun or others) and time.monotonic() >= self._not_before.get(unit.name, 0.0)

    def _start(self, unit: Unit) -> None:
        progress = self.progress[unit.name]
        work = self._directory / "work" / unit.name
        work.mkdir(parents=True, exist_ok=True)
        with open_log(self._directory, unit.name) as log:
            process = subprocess.Popen(
                list(unit.command),
                cwd=work,
                env={**unit.environment, VARIABLE: self._mark},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        progress.state, progress.pid, progress.starts = "starting", process.pid, progress.starts + 1
        progress.since = time.time()
        self._processes[unit.name] = process

    def _look_at(self, unit: Unit) -> None:
        progress, process = self.progress[unit.name], self._processes[unit.name]
        exit_code = process.poll()
        if exit_code is not None:
            _kill_group(process)  # what a killed server leaves below it holds its port
            self._ended(unit, exit_code)
        elif progress.state == "starting" and unit.ready is not None and unit.ready():
            progress.state = "ready"
            self._tell(f"{unit.name}: ready" if progress.starts == 1 else f"{unit.name}: ready again")
        elif progress.state == "ready" and unit.healthy is not None:
            self._ask_health(unit, unit.healthy)

    def _ended(self, unit: Unit, exit_code: int) -> None:
        progress = self.progress[unit.name]
        if unit.is_step and exit_code == 0:
            progress.state = "done"
            self._tell(f"{unit.name}: done")
            return
        if unit.is_step and (progress.starts >= TRIES or exit_code == HOPELESS):
            progress.state = "failed"
            raise OrchestrationUnavailable(
                f"{unit.name}: ended with exit code {exit_code} {progress.starts} times, needs 0; "
                f"all is stopped; see {log_of(self._directory, unit.name)}"
            )
        wait_s = min(LONGEST_WAIT_S, 0.5 * 2 ** min(progress.starts - 1, 5))
        self._tell(f"{unit.name}: ended with exit code {exit_code}; started again in {wait_s:g} s")
        self._not_before[unit.name] = time.monotonic() + wait_s
        progress.state, progress.pid = "waiting", None

    def _ask_health(self, unit: Unit, healthy: Callable[[], bool]) -> None:
        asked, said_no = self._asked.get(unit.name, (0.0, 0))
        if time.monotonic() < asked + HEALTH_EVERY_S:
            return
        said_no = 0 if healthy() else said_no + 1
        self._asked[unit.name] = (time.monotonic(), said_no)
        if said_no >= UNHEALTHY:
            self._tell(f"{unit.name}: says that it is not well; it is ended, and started again")
            self._asked.pop(unit.name)
            self._processes[unit.name].send_signal(unit.ends_with)

    def _stop(self, stops: Stops) -> None:
        """End servers in waves, first those that no other needs; what needs another still finds it."""
        while wave := self._unneeded():
            began = time.monotonic()
            for name in wave:
                self._processes[name].send_signal(self._units[name].ends_with)
            for name in wave:
                self._await_end(name, began, stops)
            self._write()
        end_marked(self._mark)

    def _unneeded(self) -> list[str]:
        """Give what runs and is needed by nothing that runs."""
        alive = [name for name, process in self._processes.items() if process.poll() is None]
        needed = {other for name in alive for other in self._needs(name)}
        return [name for name in alive if name not in needed]

    def _needs(self, name: str) -> set[str]:
        after = self._units[name].after
        return {*after, *(far for near in after for far in self._needs(near))}

    def _await_end(self, name: str, began: float, stops: Stops) -> None:
        process, grace_s = self._processes[name], self._units[name].grace_s
        while process.poll() is None and time.monotonic() < began + grace_s and stops.asked < 2:
            time.sleep(0.05)
        if process.poll() is None:
            self._tell(f"{name}: had not ended {grace_s:.0f} s after the signal: killed")
        _kill_group(process)
        process.wait()
        self.progress[name] = Progress(state="stopped", starts=self.progress[name].starts)

    def _picture(self) -> Mapping[str, object]:
        return {name: asdict(each) for name, each in self.progress.items()}

    def _write(self) -> None:
        picture = {"pid": os.getpid(), "up": self.is_up, "units": self._picture()}
        write_private(self._directory / STATUS, json.dumps(picture, indent=1))


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, SIGKILL)
