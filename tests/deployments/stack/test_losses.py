"""Restored at another moment, or lost: nothing is absorbed twice, and the pipeline goes on. Real servers."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psutil
import pytest
from prefect.client.orchestration import get_client
from prefect.events.filters import EventFilter, EventNameFilter
from prefect.settings import temporary_settings

from deployments.receiver.events import EVENT
from deployments.stack.environment import whole
from deployments.stack.programs import missing_packages, program
from tasks.registry.registry import aliases
from tests.deployments.chaos import invariants
from tests.deployments.chaos.play import mlflow_here, settings_of
from tests.deployments.stack import losses
from tests.deployments.stack.doors import knock, notification
from tests.deployments.stack.losses import World, at_rest
from tests.deployments.stack.running import Stack

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3000)]
ROOT = Path(__file__).parents[3]
GRASP = [sys.executable, "-c", "from flows.cli.app import main; main()"]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack of this file's own: its servers lose what they have."""
    if missing := missing_packages():
        pytest.skip(f"not installed: {', '.join(missing)}")
    made = Stack(tmp_path_factory.mktemp("losses") / "stack")
    yield made
    made.stop()


@pytest.fixture
def world(running: Stack, monkeypatch: pytest.MonkeyPatch) -> World:
    """A target that takes every good source."""
    for name, value in settings_of(running, "operator").items():
        monkeypatch.setenv(name, value)
    return World(running, f"lost-{uuid4().hex[:8]}")


def grasp(stack: Stack, *words: str) -> None:
    environment = {**os.environ, **whole(stack.layout, "operator")}
    subprocess.run([*GRASP, *words], cwd=ROOT, env=environment, check=True)


def test_a_bucket_and_a_database_of_two_moments_agree_again_and_nothing_is_absorbed_twice(
    world: World, running: Stack, tmp_path: Path
):
    *early, between = world.make(3, seed=1)
    (late,) = world.make(1, seed=2, rev=3)
    world.absorb(early)
    with at_rest(running, "gpu"):
        world.publish([between])
        copied = losses.copy_bucket(running)
    world.await_decisions()
    invariants.check_prefect()
    for database in ("mlflow", "mlflow_auth"):
        losses.dump(running, database, tmp_path / database)
    world.absorb([late])
    invariants.check_prefect()

    with at_rest(running, "cpu", "gpu"):
        losses.put_bucket_back(running, copied)
        for database in ("mlflow", "mlflow_auth"):
            losses.restore(running, database, tmp_path / database)
    assert len(invariants.decided(world.store, world.name)) == 2
    assert len(mlflow_here().search_model_versions(f"name = '{world.name}'")) == 3

    world.absorb([late])  # its team publishes again what the bucket has forgotten
    invariants.check_decisions(world.store, world.name, world.sent)
    invariants.check_registry(world.store, mlflow_here(), world.name, tmp_path)


def test_an_mlflow_that_is_lost_is_made_anew_and_the_pipeline_goes_on(
    world: World, running: Stack, tmp_path: Path
):
    world.absorb(world.make(2, seed=3))
    lost = world.journal.state().champion
    invariants.check_prefect()
    losses.drop(running, "mlflow", "mlflow_auth")
    losses.empty_artifacts(running)
    assert running.stop() == 0
    running.start()

    grasp(running, "repair", world.name, "--apply")
    grasp(running, "backfill", world.name, "--from", "2001", "--apply")

    state = world.journal.state()
    assert lost
    assert state.champion
    assert state.champion > lost
    assert aliases(mlflow_here(), world.name)["champion"] == state.champion
    world.absorb(world.make(1, seed=4, rev=3))
    invariants.until(  # the decision comes first
        "the alias follows",
        lambda: aliases(mlflow_here(), world.name)["champion"] > state.champion,
        within_s=120,
    )


def test_a_prefect_that_is_lost_is_bootstrapped_and_the_pipeline_goes_on(
    world: World, running: Stack, tmp_path: Path
):
    world.absorb(world.make(1, seed=5))
    losses.drop(running, "prefect")
    layout = running.layout
    flush = ["-p", str(layout.ports.redis), "-a", layout.secrets.redis, "FLUSHALL"]
    subprocess.run([program("redis-cli"), *flush], check=True, capture_output=True)
    world.publish(world.make(1, seed=6, rev=3))  # while nobody can look
    assert running.stop() == 0
    running.start()

    world.await_decisions()
    invariants.check_decisions(world.store, world.name, world.sent)
    invariants.check_registry(world.store, mlflow_here(), world.name, tmp_path)


def test_what_came_while_the_receiver_did_not_answer_wakes_the_watch_later_and_what_is_lost_costs_a_poll(
    world: World, running: Stack, tmp_path: Path
):
    """The store keeps its messages; one that was killed may get none for long, and the schedule sees all."""
    before = woken()
    receiver = psutil.Process(running.pid("receiver"))
    receiver.suspend()
    world.absorb(world.make(2, seed=7))  # the schedule sees them
    assert woken() == before
    receiver.resume()
    invariants.until("an event came", lambda: woken() > before, within_s=300)
    time.sleep(60)  # the store has sent everything
    before, again = woken(), notification("manifests/", secret=running.layout.secrets.receiver)
    assert {knock(running.layout, again) for _ in range(20)} == {204}  # a store may send a message twice
    invariants.until("an event of the doubles came", lambda: woken() > before, within_s=300)
    assert woken() < before + 20  # one wakes the watch for all of the next two seconds
    receiver.kill()
    world.absorb(world.make(1, seed=8, rev=3))
    invariants.check_decisions(world.store, world.name, world.sent)
    invariants.check_registry(world.store, mlflow_here(), world.name, tmp_path)


def woken() -> int:
    """Count the events by which the receiver told Prefect of manifests."""
    wanted = EventFilter(event=EventNameFilter(name=[EVENT]))
    with temporary_settings(invariants.prefect_settings()), get_client(sync_client=True) as client:
        return len(client.read_events(filter=wanted, limit=50).events)
