"""A manifest deleted at any step of its unit: nothing half done stays, in MLflow or on this machine."""

import os
import signal
from datetime import timedelta

import pytest
from mlflow import MlflowClient

from flows.absorb import absorb
from tasks.absorbing import settle, steps
from tasks.absorbing.work import open_work
from tasks.arrivals.triage import triage
from tasks.contracts import keys
from tasks.journal.log import Journal
from tasks.journal.projection import is_behind
from tasks.operations.prune import plan_prune, prune
from tasks.private import GRACE_S
from tasks.registry.registry import aliases
from tests.flows.cli.test_prune import weights_of
from tests.flows.conftest import World
from tests.flows.test_chaos import crash_running, start

pytestmark = [pytest.mark.chaos, pytest.mark.integration, pytest.mark.timeout(900)]
KEY = keys.manifest_key("digits", "2001", 1)


@pytest.fixture
def client(mlflow_server) -> MlflowClient:
    return MlflowClient(tracking_uri=mlflow_server.uri, registry_uri=mlflow_server.uri)


def withdraw(world: World) -> None:
    """Delete the manifest; the next watch looks."""
    world.store.delete(KEY)
    watcher = Journal(world.store, world.target.name, by="watch")
    triage(world.store, world.target, watcher, pending_limit=timedelta(days=1))


def check(world: World, client: MlflowClient, *, champion: int | None) -> None:
    """Nothing in MLflow looks promoted, or alive, that the journal has not decided; nothing is left to do."""
    name, state = world.target.name, world.journal.state()
    assert state.champion == champion
    assert state.open == {}
    assert not is_behind(world.store, name, state)
    versions = client.search_model_versions(f"name = '{name}'")
    undecided = [version.tags for version in versions if int(version.version) not in state.versions]
    assert all(tags["decision"] == "set aside" and "withdrawn" in tags["set_aside"] for tags in undecided)
    experiment = client.get_experiment_by_name(name)
    runs = client.search_runs([experiment.experiment_id]) if experiment else []
    assert {run.info.status for run in runs} <= {"FINISHED", "KILLED"}
    if champion:
        assert aliases(client, name)["champion"] == champion


def test_a_manifest_deleted_before_the_attempt_is_not_absorbed(world: World, client: MlflowClient):
    world.publish(1, year=2001)
    triage(world.store, world.target, world.journal, pending_limit=timedelta(days=1))
    withdraw(world)
    absorb(world.target.name)
    check(world, client, champion=None)
    assert [entry.kind for entry in world.journal.entries()] == ["accepted", "withdrawn"]


@pytest.mark.parametrize(
    ("module", "after", "champion", "versions"),
    [(steps, "absorb_over", None, 0), (settle, "register", None, 1), (settle, "commit", 1, 1)],
    ids=["fine-tune", "registering", "commit"],
)
def test_a_manifest_deleted_while_its_unit_is_at_work_leaves_nothing_that_looks_decided(
    world: World, client: MlflowClient, monkeypatch: pytest.MonkeyPatch, module, after, champion, versions
):
    world.publish(1, year=2001)
    original = getattr(module, after)

    def then_withdraw(*args, **kwargs):
        done = original(*args, **kwargs)
        withdraw(world)
        return done

    monkeypatch.setattr(module, after, then_withdraw)
    absorb(world.target.name)
    monkeypatch.setattr(module, after, original)
    if is_behind(world.store, world.target.name, world.journal.state()):
        absorb(world.target.name)  # as the watch would start it
    check(world, client, champion=champion)
    assert len(client.search_model_versions(f"name = '{world.target.name}'")) == versions
    assert list((world.cache_dir / "work").iterdir()) == []


@pytest.mark.parametrize(
    ("point", "versions"), [("mid-fine-tune", 0), ("after-logging", 0), ("after-registering", 1)]
)
def test_a_manifest_deleted_after_its_unit_was_killed_is_cleared_up(
    world: World, client: MlflowClient, mlflow_server, prefect_api, point: str, versions: int
):
    world.publish(1, year=2001)
    name = world.target.name
    assert start(point, world, prefect_api).wait() == -signal.SIGKILL
    crash_running()
    withdraw(world)
    for left in (world.cache_dir / "work").iterdir():
        os.utime(left, times=(left.stat().st_atime, left.stat().st_mtime - 2 * GRACE_S))

    assert is_behind(world.store, name, world.journal.state())  # so the watch starts an absorb
    absorb(name)

    check(world, client, champion=None)
    assert list((world.cache_dir / "work").iterdir()) == []
    work = open_work(name, by="test")
    doomed = plan_prune(work, keep=10)
    assert len(doomed.versions) == versions
    prune(work, doomed, keep=10)
    assert plan_prune(work, keep=10).versions == ()
    assert weights_of(mlflow_server, client, name) == []
