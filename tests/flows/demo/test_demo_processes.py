import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from deployments.marks import VARIABLE, marked
from flows.demo.servers.failure import DemoFailed
from flows.demo.servers.processes import Children

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]
# A worker that starts a flow run in a session of its own, and will not end when asked politely.
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, subprocess, sys, time\n"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], start_new_session=True)\n"
    "time.sleep(600)",
]
# A demo: starts the stubborn worker, says its mark, waits to be interrupted.
DEMO = """
import os, sys, time
from pathlib import Path
from flows.demo.main import _ends_by_signal
from flows.demo.servers.processes import Children
everything = dict(os.environ)
with _ends_by_signal(), Children(logs=Path(sys.argv[1]), environment=everything, grace_s=0.5) as children:
    children.start("worker", sys.argv[2:], cwd=Path(sys.argv[1]) / "worker")
    print(children.mark, flush=True)
    time.sleep(600)
"""


def wait_until(condition, *, within_s=60):
    limit = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < limit, "waited too long"
        time.sleep(0.05)


@pytest.fixture
def demo(tmp_path):
    """A demo in a process of its own, with a worker and a detached grandchild; gives it and its mark."""
    command = [sys.executable, "-c", DEMO, str(tmp_path), *STUBBORN]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    mark = process.stdout.readline().strip()
    wait_until(lambda: len(list(marked(mark))) == 2)
    yield process, mark
    process.kill()
    process.wait()
    wait_until(lambda: not list(marked(mark)))


@pytest.mark.slow
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_no_process_survives_the_demo_however_it_ends(demo, ending):
    process, mark = demo
    process.send_signal(ending)
    process.wait()
    wait_until(lambda: not list(marked(mark)))


@pytest.mark.slow
def test_impatient_interrupts_do_not_stop_the_clean_up(demo):
    process, mark = demo
    while process.poll() is None:
        process.send_signal(signal.SIGINT)
        time.sleep(0.02)
    wait_until(lambda: not list(marked(mark)))


def children_in(directory: Path) -> Children:
    return Children(logs=directory, environment=dict(os.environ), grace_s=0.5)


def test_the_flow_run_of_a_killed_worker_is_ended_too(tmp_path):
    with children_in(tmp_path) as children:
        children.start("worker", STUBBORN, cwd=tmp_path)
        wait_until(lambda: len(list(marked(children.mark))) == 2)
        worker = min(marked(children.mark), key=psutil.Process.create_time)
        worker.kill()
        wait_until(lambda: len(list(marked(children.mark))) == 1)
    assert not list(marked(children.mark))


def test_other_processes_are_left_alone(tmp_path):
    stranger = subprocess.Popen(SLEEP, env={**os.environ, VARIABLE: "another demo"})
    try:
        with children_in(tmp_path) as children:
            children.start("service", SLEEP, cwd=tmp_path)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_service_that_ends_by_itself_fails_the_demo_with_its_last_words(tmp_path):
    with children_in(tmp_path) as children:
        children.start("s3", [sys.executable, "-c", "raise SystemExit('port taken')"], cwd=tmp_path)
        with pytest.raises(DemoFailed, match=r"s3: ended by itself with exit code 1(.|\n)*port taken"):
            wait_until(children.check)


def test_a_kept_service_that_was_killed_is_started_again(tmp_path):
    with children_in(tmp_path) as children:
        children.keep("worker", SLEEP, cwd=tmp_path)
        wait_until(lambda: sleeping(children))  # the supervisor needs a moment to start it
        (killed,) = sleeping(children)
        killed.kill()
        killed.wait()
        children.check()
        wait_until(lambda: sleeping(children))
        assert killed.pid not in [process.pid for process in sleeping(children)]


def sleeping(children: Children) -> list[psutil.Process]:
    """Name the services that are up."""
    return [p for p in marked(children.mark) if "time.sleep(600)" in (p.cmdline() or [""])[-1]]


def test_a_command_that_fails_says_why(tmp_path):
    with children_in(tmp_path) as children, pytest.raises(DemoFailed, match="exit code 3"):
        children.run("deploy", [sys.executable, "-c", "exit(3)"], cwd=tmp_path, timeout_s=60)


def test_a_command_that_takes_too_long_is_given_up_and_ended(tmp_path):
    with children_in(tmp_path) as children, pytest.raises(DemoFailed, match="still runs"):
        children.run("deploy", SLEEP, cwd=tmp_path, timeout_s=0.2)
    assert not list(marked(children.mark))


def test_nothing_is_started_once_the_end_began(tmp_path):
    with children_in(tmp_path) as children:
        children.end()
        with pytest.raises(DemoFailed, match="not started"):
            children.start("worker", SLEEP, cwd=tmp_path)
