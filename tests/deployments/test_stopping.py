"""A worker that was started with `&`, as the README says, and is told to stop, with a real server."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from prefect.states import Crashed

from deployments.bootstrap import bootstrap

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]
NAPS = """
import time
from pathlib import Path
from prefect import flow

@flow(name="nap")
def nap(mark: str, deaf: bool = False) -> None:
    Path(mark).with_suffix(".began").touch()
    while True:
        try:
            time.sleep(600)
        except BaseException:
            Path(mark).with_suffix(".ending").touch()
            if not deaf:
                raise
"""


@pytest.fixture
def deployment(client, tmp_path: Path):
    """A deployment on the gpu pool whose flow can be deaf."""
    bootstrap()
    (tmp_path / "naps").mkdir()
    (tmp_path / "naps" / "__init__.py").touch()
    (tmp_path / "naps" / "flows.py").write_text(NAPS)
    flow_id = client.create_flow_from_name("nap")
    return client.create_deployment(
        flow_id, "nap", entrypoint="naps.flows.nap", work_pool_name="gpu", pull_steps=[]
    )


@pytest.fixture
def worker(prefect_server, tmp_path: Path):
    """`python -m deployments.workers gpu &` in a shell that is no terminal: Ctrl-C is ignored there."""
    more = {"PYTHONPATH": f"{tmp_path}:{Path(__file__).parents[2]}", "PREFECT_WORKER_QUERY_SECONDS": "1"}
    script = f"{sys.executable} -m deployments.workers gpu & echo $! > pid; wait"
    with (tmp_path / "worker.log").open("wb") as log:
        shell = subprocess.Popen(
            ["sh", "-c", script],
            cwd=tmp_path,
            env=prefect_server.environment | more,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    until(lambda: (tmp_path / "pid").is_file() and (tmp_path / "pid").read_text().strip())
    process = psutil.Process(int((tmp_path / "pid").read_text()))
    yield process
    for each in [*psutil.Process(shell.pid).children(recursive=True)]:
        each.kill()
    shell.wait()


def began(client, deployment, mark: Path, **parameters):
    """Start a run and wait until it is at work."""
    run = client.create_flow_run_from_deployment(deployment, parameters={"mark": str(mark), **parameters})
    until(lambda: mark.with_suffix(".began").exists())
    return run.id


def until(holds, *, within_s: float = 150) -> None:
    limit = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < limit
        time.sleep(0.2)


def is_gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def below(process: psutil.Process) -> list[psutil.Process]:
    return process.children(recursive=True)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_worker_lets_its_run_end_and_takes_no_other(
    client, deployment, worker: psutil.Process, tmp_path: Path, how: signal.Signals
):
    run = began(client, deployment, tmp_path / "first")
    waiting = client.create_flow_run_from_deployment(
        deployment, parameters={"mark": str(tmp_path / "second")}
    )
    started = below(worker)
    os.kill(worker.pid, how)
    until(lambda: is_gone(worker))
    assert all(is_gone(each) for each in started)
    assert (tmp_path / "first.ending").exists()
    assert client.read_flow_run(run).state.is_crashed()
    assert not (tmp_path / "second.began").exists()
    client.delete_flow_run(waiting.id)


def test_a_run_that_does_not_end_is_killed_with_its_worker(
    client, deployment, worker: psutil.Process, tmp_path: Path
):
    run = began(client, deployment, tmp_path / "deaf", deaf=True)
    started = below(worker)
    os.kill(worker.pid, signal.SIGTERM)
    until(lambda: is_gone(worker))
    assert (tmp_path / "deaf.ending").exists()
    assert all(is_gone(each) for each in started)
    assert "killed" in (tmp_path / "worker.log").read_text()
    client.set_flow_run_state(run, Crashed(), force=True)  # else its slot is held until a zombie is noticed


def test_a_worker_does_not_outlive_who_supervises_it(
    client, deployment, worker: psutil.Process, tmp_path: Path
):
    run = began(client, deployment, tmp_path / "orphan")
    started = below(worker)
    worker.kill()
    until(lambda: all(is_gone(each) for each in started))
    client.set_flow_run_state(run, Crashed(), force=True)
