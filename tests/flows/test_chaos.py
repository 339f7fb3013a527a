"""Killed or paused anywhere: after recovery one decision and one version per arrival, and right aliases."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import mlflow.pyfunc
import numpy as np
import psutil
import pytest
from mlflow import MlflowClient
from prefect.client.orchestration import get_client
from prefect.client.schemas import filters
from prefect.client.schemas.objects import StateType
from prefect.states import Crashed

from flows.absorb import absorb
from flows.backfill import backfill
from tasks.absorbing import steps
from tasks.candidates.ranks import launch
from tasks.contracts.rebuild import BackfillRequest
from tasks.contracts.target import AbsorbSettings
from tasks.journal.projection import is_behind
from tasks.registry.registry import aliases
from tasks.registry.stored import ModelDigests, verify_stored
from tests.flows.conftest import World

pytestmark = [pytest.mark.chaos, pytest.mark.integration, pytest.mark.timeout(900)]
ROOT = Path(__file__).parents[2]
UNFINISHED = ("after-download", "after-transfer", "mid-fine-tune")
FINISHED = ("after-logging", "after-registering", "after-commit", "between-aliases", "before-projected")


@pytest.fixture
def client(mlflow_server) -> MlflowClient:
    return MlflowClient(tracking_uri=mlflow_server.uri, registry_uri=mlflow_server.uri)


@pytest.fixture(autouse=True)
def _no_waiting_between_attempts(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tasks.arrivals.waiting.WAITS", (timedelta(0),) * 3)


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The sources that this process absorbs from now on."""
    seen: list[str] = []

    def spy(*args, **kwargs):
        seen.append(kwargs["source"].stem)
        return launch.absorb_over(*args, **kwargs)

    monkeypatch.setattr(steps, "absorb_over", spy)
    return seen


def start(point: str, world: World, prefect_api: str, *flow: str) -> subprocess.Popen[bytes]:
    """Start a flow that dies, or stops, at a point."""
    command = [sys.executable, "-m", "tests.flows.dying", point, world.target.name, *flow]
    return subprocess.Popen(command, cwd=ROOT, env=os.environ | {"PREFECT_API_URL": prefect_api})


def crash_running() -> None:
    """End runs whose process is dead, as the zombie automation does after 90 s without a heartbeat."""
    running = filters.FlowRunFilterState(
        type=filters.FlowRunFilterStateType(any_=[StateType.RUNNING, StateType.PENDING])
    )
    with get_client(sync_client=True) as client:
        for run in client.read_flow_runs(flow_run_filter=filters.FlowRunFilter(state=running)):
            client.set_flow_run_state(run.id, Crashed(message="no heartbeat"), force=True)


def check(world: World, client: MlflowClient) -> None:
    """What holds after recovery, whatever happened before."""
    name, state = world.target.name, world.journal.state()
    decided = world.decided()
    assert set(Counter((d.arrival_id, d.lineage) for d in decided).values()) == {1}
    for lineage in {d.lineage for d in decided}:
        indices = [d.index for d in decided if d.lineage == lineage and d.index]
        assert indices == list(range(indices[0], indices[0] + len(indices)))
    versions = client.search_model_versions(f"name = '{name}'")
    live = {int(v.version) for v in versions if not {"duplicate_of", "damaged"} & v.tags.keys()}
    assert live == {d.registry_version for d in decided if d.registry_version}
    assert aliases(client, name) == {
        k: v for k, v in {"champion": state.champion, "previous": state.previous}.items() if v
    }
    assert not is_behind(world.store, name, state)
    point = state.versions[state.champion]
    expected = ModelDigests(served=point.served_sha256, stem=point.stem_sha256)
    verify_stored(client, name, version=state.champion, expected=expected, scratch=world.cache_dir / "work")
    model = mlflow.pyfunc.load_model(f"models:/{name}@champion")
    assert model.predict(np.zeros((1, 8, 8, 1), np.uint8)).shape == (1, 10)
    runs = client.search_runs([client.get_experiment_by_name(name).experiment_id])
    assert {run.info.status for run in runs} == {"FINISHED"}
    units = Counter(run.data.tags["unit"] for run in runs if run.data.tags["kind"] == "absorb")
    assert set(units.values()) == {1}


@pytest.mark.parametrize("point", [*UNFINISHED, *FINISHED])
def test_a_killed_absorb_recovers(point: str, world: World, client: MlflowClient, prefect_api, computed):
    world.publish(1, year=2001)
    absorb(world.target.name)
    published = world.publish(4, year=2004)
    blob = world.cache_dir / "blobs" / f"{world.manifest(4, 2004).weights.sha256}.safetensors"

    assert start(point, world, prefect_api).wait() == -signal.SIGKILL
    fetched = blob.stat().st_ino
    crash_running()
    computed.clear()
    absorb(world.target.name)

    check(world, client)
    assert [d.decision for d in world.decided()] == ["promoted", "promoted"]
    assert world.decided()[1].arrival_id == published.arrival_id
    assert computed == ([blob.stem] if point in UNFINISHED else [])
    assert blob.stat().st_ino == fetched  # not downloaded again
    seq = world.journal.state().seq
    absorb(world.target.name)
    assert world.journal.state().seq == seq


@pytest.mark.parametrize("point", ["after-logging", "after-commit", "after-switch"])
def test_a_killed_backfill_goes_on_where_it_was(
    point: str, world: World, client: MlflowClient, prefect_api, computed
):
    world.publish(1, year=2001)
    world.publish(4, year=2004)
    absorb(world.target.name)
    assert start(point, world, prefect_api, "2001").wait() == -signal.SIGKILL
    crash_running()
    computed.clear()
    backfill(world.target.name, BackfillRequest(from_period="2001", then="apply"))

    check(world, client)
    state = world.journal.state()
    assert state.lineage.startswith("backfill-2001-")
    assert state.lineages[state.lineage].index == 2
    assert len(computed) == (0 if point == "after-switch" else 1)


@pytest.mark.parametrize("point", ["after-commit", "between-aliases"])
def test_a_writer_that_was_paused_before_the_alias_leaves_the_newest_champion(
    point: str, world: World, client: MlflowClient, prefect_api
):
    world.replace_target(absorb=AbsorbSettings(mode="reference", lr=1e-3, epochs=3, initial_epochs=3))
    world.publish(1, year=2001)
    absorb(world.target.name)
    world.publish(4, year=2004)
    paused = start(f"{point}@stop", world, prefect_api)
    try:
        wait_until_stopped(paused)
        crash_running()  # it gives no sign of life
        world.publish(2, year=2005)
        absorb(world.target.name)
        newest = world.journal.state().champion
        assert newest == 3
        assert aliases(client, world.target.name)["champion"] == newest
    finally:
        paused.send_signal(signal.SIGCONT)
        paused.wait()
    check(world, client)
    assert aliases(client, world.target.name) == {"champion": 3, "previous": 2}


def wait_until_stopped(process: subprocess.Popen[bytes], *, within_s: float = 240) -> None:
    deadline = time.monotonic() + within_s
    while psutil.Process(process.pid).status() != psutil.STATUS_STOPPED:
        assert process.poll() is None, "it ended before it stopped"
        assert time.monotonic() < deadline
        time.sleep(0.2)
