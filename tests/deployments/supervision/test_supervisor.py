"""A supervisor with processes that do nothing: order, restarts, steps, ends."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from deployments.marks import VARIABLE, marked
from deployments.supervise import Stops
from deployments.supervision.logs import cut_logs, last_lines, open_log
from deployments.supervision.state import alone, end_leftovers, status_of, supervisor_of
from deployments.supervision.supervisor import Supervisor
from deployments.supervision.unit import Unit
from tasks.errors import InvalidSettings, OrchestrationUnavailable

pytestmark = pytest.mark.slow

SLEEP = (sys.executable, "-c", "import time; time.sleep(600)")
DEAF = (sys.executable, "-c", "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)")


class Asked(Stops):
    """Signals that a test sends itself."""

    def __init__(self) -> None:
        self.asked = 0


def unit(name: str, command: tuple[str, ...] = SLEEP, **changes) -> Unit:
    return Unit(name=name, command=command, environment=dict(os.environ), **{"ready": lambda: True} | changes)


def step(name: str, code: str, **changes) -> Unit:
    return unit(name, (sys.executable, "-c", code), **{"ready": None} | changes)


@pytest.fixture
def run(tmp_path: Path):
    """Run units until the test is over; gives what was told, the supervisor, and a way to stop it."""
    stops, told, threads = Asked(), [], []

    def start(*units: Unit) -> Supervisor:
        supervisor = Supervisor(units, tmp_path, mark=f"test {tmp_path}", tell=told.append)
        threads.append(
            threading.Thread(
                target=supervisor.run, args=[stops], kwargs={"when_up": lambda: told.append("up")}
            )
        )
        threads[0].start()
        return supervisor

    def stop() -> None:
        stops.asked = 1
        threads[0].join(60)

    start.told, start.stop = told, stop
    yield start
    stop()
    assert not list(marked(f"test {tmp_path}"))


def until(holds, *, within_s: float = 60) -> None:
    limit = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < limit, "waited too long"
        time.sleep(0.05)


def test_a_unit_starts_when_what_it_needs_is_ready_and_a_step_is_done(run, tmp_path: Path):
    there = tmp_path / "there"
    run(
        unit("worker", after=("step",)),
        step("step", f"open({str(tmp_path / 'stepped')!r}, 'w')", after=("server",)),
        unit("server", ready=there.exists),
    )
    until(lambda: status_of(tmp_path).units.get("server") and status_of(tmp_path).units["server"].pid)
    assert not (tmp_path / "stepped").exists()
    there.touch()
    until(lambda: "up" in run.told)
    assert run.told == ["server: ready", "step: done", "worker: ready", "up"]


def test_what_is_killed_is_started_again(run, tmp_path: Path):
    supervisor = run(unit("a"), unit("b"))
    until(lambda: "up" in run.told)
    first = supervisor.progress["a"].pid
    os.kill(first, signal.SIGKILL)
    until(lambda: "a: ready again" in run.told)
    assert status_of(tmp_path).units["a"].starts == 2
    assert status_of(tmp_path).units["b"].starts == 1


def test_what_ignores_the_signal_is_killed_and_all_is_over(run, tmp_path: Path):
    run(unit("server"), unit("deaf", DEAF, grace_s=0.5))
    until(lambda: "up" in run.told)
    run.stop()
    assert any("deaf: had not ended" in line for line in run.told)
    assert {each.state for each in status_of(tmp_path).units.values()} == {"stopped"}


def test_what_another_needs_is_stopped_after_it_even_through_a_step(run, tmp_path: Path):
    told = (
        "import pathlib, signal, sys, time\n"
        "signal.signal(15, lambda *_: (print(time.monotonic(), file=open(sys.argv[1], 'w')), sys.exit()))\n"
        "pathlib.Path(sys.argv[1]).touch()\n"
        "time.sleep(600)"
    )
    ends = {name: tmp_path / f"{name}-ended" for name in ("server", "worker", "other")}
    command = {name: (sys.executable, "-c", told, str(path)) for name, path in ends.items()}
    run(
        unit("server", command["server"], ready=ends["server"].exists),
        step("step", "", after=("server",)),
        unit("worker", command["worker"], after=("step",), ready=ends["worker"].exists),
        unit("other", command["other"], after=("step",), ready=ends["other"].exists),
    )
    until(lambda: "up" in run.told)
    run.stop()
    ended = {name: float(path.read_text()) for name, path in ends.items()}
    assert ended["server"] > max(ended["worker"], ended["other"])


def test_a_step_that_goes_on_failing_ends_all_and_names_its_log(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("deployments.supervision.supervisor.TRIES", 2)
    supervisor = Supervisor(
        [unit("server"), step("step", "raise SystemExit('no bucket')")],
        tmp_path,
        mark="m",
        tell=lambda _: None,
    )
    with pytest.raises(OrchestrationUnavailable, match=r"step: ended with exit code 1 2 times.*step\.log"):
        supervisor.run(Asked(), when_up=lambda: None)
    assert last_lines(tmp_path / "logs" / "step.log") == ["no bucket"] * 2
    assert not list(marked("m"))


def test_a_step_that_says_that_it_is_hopeless_is_not_tried_again(tmp_path: Path):
    hopeless = step("step", f"raise SystemExit({os.EX_CONFIG})")
    with pytest.raises(OrchestrationUnavailable, match="78 1 times"):
        Supervisor([hopeless], tmp_path, mark="m", tell=lambda _: None).run(Asked(), when_up=lambda: None)


def test_one_supervisor_holds_a_directory_and_others_see_which(tmp_path: Path):
    assert supervisor_of(tmp_path) is None
    with alone(tmp_path):
        assert supervisor_of(tmp_path) == psutil.Process()
        with pytest.raises(InvalidSettings, match="a supervisor is at work there"), alone(tmp_path):
            pass
    assert supervisor_of(tmp_path) is None


def test_what_a_killed_supervisor_left_is_ended_and_nothing_else(tmp_path: Path):
    (tmp_path / "work" / "a").mkdir(parents=True)
    left = [
        subprocess.Popen(SLEEP, env={**os.environ, VARIABLE: "mine"}),
        subprocess.Popen(SLEEP, cwd=tmp_path / "work" / "a"),
    ]
    stranger = subprocess.Popen(SLEEP, cwd=tmp_path)
    end_leftovers(tmp_path, mark="mine")
    assert [each.wait(30) for each in left]
    assert not any(psutil.pid_exists(each.pid) for each in left)
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


def test_a_long_log_is_cut_while_it_is_written(tmp_path: Path):
    with open_log(tmp_path, "a") as log:
        log.write(b"x" * 2000)
        log.flush()
        cut_logs(tmp_path, longest_bytes=1000)
        log.write(b"after\n")
    assert (tmp_path / "logs" / "a.log").read_bytes() == b"after\n"
    assert (tmp_path / "logs" / "a.log.1").stat().st_size == 2000
