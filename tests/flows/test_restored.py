"""A bucket or MLflow of another moment, or lost: all agrees again, and nothing is absorbed twice."""

from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient

from flows.absorb import absorb
from flows.backfill import backfill
from tasks.absorbing.work import open_work
from tasks.contracts.rebuild import BackfillRequest
from tasks.contracts.target import AbsorbSettings
from tasks.journal.projection import is_behind
from tasks.operations.repair import findings, repair
from tasks.registry.loading import load_model
from tasks.registry.registry import aliases
from tests.flows.conftest import World
from tests.servers.fixtures import mlflow_of

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]


@pytest.fixture
def name(world: World) -> str:
    """A target whose every source gives a version; 2001 and 2004 are absorbed."""
    world.replace_target(absorb=AbsorbSettings(mode="reference", lr=1e-3, epochs=2, initial_epochs=2))
    world.publish(1, year=2001)
    absorb(world.target.name)
    world.publish(4, year=2004)
    return world.target.name


def snapshot(world: World) -> dict[str, bytes]:
    """Copy the journal, as a copy of the bucket does."""
    client, found = world.store._client, {}
    for each in client.list_objects_v2(Bucket=world.store.bucket, Prefix="journal/")["Contents"]:
        found[each["Key"]] = client.get_object(Bucket=world.store.bucket, Key=each["Key"])["Body"].read()
    return found


def restore(world: World, copied: dict[str, bytes]) -> None:
    client = world.store._client
    for each in client.list_objects_v2(Bucket=world.store.bucket, Prefix="journal/")["Contents"]:
        client.delete_object(Bucket=world.store.bucket, Key=each["Key"])
    for key, body in copied.items():
        client.put_object(Bucket=world.store.bucket, Key=key, Body=body)


def test_a_bucket_older_than_mlflow_absorbs_nothing_twice(world: World, name: str, mlflow_server):
    """The order that the docs give: the bucket is copied first, the databases are dumped after it."""
    copied = snapshot(world)
    absorb(name)
    before = world.journal.state()
    restore(world, copied)
    assert world.journal.state().champion == 1

    absorb(name)

    after, client = world.journal.state(), MlflowClient(mlflow_server.uri, mlflow_server.uri)
    assert (after.champion, after.previous) == (before.champion, before.previous) == (2, 1)
    assert aliases(client, name) == {"champion": 2, "previous": 1}
    assert len(client.search_model_versions(f"name = '{name}'")) == 2
    assert [each.decision for each in world.decided()] == ["promoted", "promoted"]
    seq = after.seq
    absorb(name)
    assert world.journal.state().seq == seq


def test_an_mlflow_that_is_lost_is_made_anew_from_journal_and_blobs(
    world: World, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    absorb(name)
    lost = world.journal.state()
    assert lost.champion == 2
    (tmp_path / "mlflow").mkdir()
    with mlflow_of(tmp_path / "mlflow") as empty:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", empty.uri)
        work = open_work(name, by="test")
        repair(work, findings(work))
        backfill(name, BackfillRequest(from_period="2001", then="apply"))

        state, client = world.journal.state(), MlflowClient(empty.uri, empty.uri)
        assert state.champion is not None
        assert state.champion > lost.champion  # a number never means two things
        assert not is_behind(world.store, name, state)
        assert aliases(client, name)["champion"] == state.champion
        model = load_model(f"models:/{name}@champion", tracking_uri=empty.uri)
        assert np.isfinite(next(iter(model.state_dict().values())).numpy()).all()
        world.publish(3, year=2005)
        absorb(name)
        assert world.decided()[-1].decision == "promoted"
