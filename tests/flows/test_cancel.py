"""Cancelling an absorb in Prefect's UI stops it, leaves nothing behind and decides nothing."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import psutil
import pytest
from mlflow import MlflowClient
from prefect.client.orchestration import get_client
from prefect.states import Cancelling

from deployments.bootstrap import bootstrap
from deployments.environment import worker_environment
from tasks.candidates.ranks.elastic import RANK
from tasks.contracts.target import AbsorbSettings
from tasks.orchestration.absorb_runs import trigger_absorb
from tasks.tracking.api import connect
from tests.flows.conftest import World
from tests.servers.fixtures import kill_tree

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(1200)]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def environment(world: World, prefect_api: str) -> dict[str, str]:
    """What a worker needs; prefect.yaml is deployed."""
    bootstrap()
    environment = {**os.environ, **worker_environment(), "PREFECT_API_URL": prefect_api}
    deploy = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"]
    subprocess.run(deploy, cwd=ROOT, env=environment, check=True, capture_output=True)
    return environment


@pytest.fixture
def worker(environment: dict[str, str], tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The gpu pool's worker, started as the README says."""
    command = [sys.executable, "-m", "deployments.workers", "gpu"]
    with (tmp_path / "worker.log").open("wb") as log:
        worker = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    yield worker
    kill_tree(worker)  # Prefect 3.8.8's may ignore SIGTERM for good after a cancellation


@pytest.fixture
def client(mlflow_server) -> MlflowClient:
    return connect(mlflow_server.uri)


def absorbing(world: World, client: MlflowClient, *, devices: int | None = None) -> tuple[str, UUID]:
    """Start an absorb that would train for hours; gives arrival and flow run once it trains."""
    settings = AbsorbSettings(epochs=10_000, initial_epochs=10_000, folds=1)
    world.replace_target(absorb=settings, devices=devices)
    arrival = world.publish(1, year=2001).arrival_id
    flow_run = UUID(trigger_absorb(world.target.name, ready=[arrival]))
    until(lambda: any("fine_tune/val_loss" in run.data.metrics for run in runs_of(client, world)))
    assert world.journal.state().open[arrival].attempts == 1
    assert list((world.cache_dir / "work").iterdir())
    return arrival, flow_run


def check_nothing_is_left(world: World, client: MlflowClient, arrival: str) -> None:
    until(lambda: [run.info.status for run in runs_of(client, world)] == ["KILLED"], within_s=120)
    assert list((world.cache_dir / "work").iterdir()) == []
    assert not list(world.cache_dir.rglob(".partial-*"))
    assert world.decided() == []
    assert world.journal.state().open[arrival].attempts == 0


def test_a_cancelled_absorb_leaves_nothing_behind_and_its_attempt_does_not_count(
    world: World, client: MlflowClient, worker
):
    arrival, flow_run = absorbing(world, client)
    with get_client(sync_client=True) as prefect:
        prefect.set_flow_run_state(flow_run, Cancelling())
        until(lambda: prefect.read_flow_run(flow_run).state.is_final())
        assert prefect.read_flow_run(flow_run).state.is_cancelled()
    check_nothing_is_left(world, client, arrival)


def test_an_absorb_over_two_ranks_whose_worker_is_stopped_leaves_nothing_behind_either(
    world: World, client: MlflowClient, worker: subprocess.Popen[bytes]
):
    arrival, flow_run = absorbing(world, client, devices=2)
    ranks = [each for each in psutil.Process(worker.pid).children(recursive=True) if RANK in each.cmdline()]
    assert len(ranks) == 2
    worker.terminate()
    assert worker.wait(timeout=200) == 128 + signal.SIGTERM
    with get_client(sync_client=True) as prefect:
        assert prefect.read_flow_run(flow_run).state.is_crashed()
    assert not any(each.is_running() for each in ranks)
    check_nothing_is_left(world, client, arrival)


def runs_of(client: MlflowClient, world: World):
    experiment = client.get_experiment_by_name(world.target.name)
    return client.search_runs([experiment.experiment_id]) if experiment else []


def until(holds: Callable[[], bool], *, within_s: float = 400) -> None:
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.3)
