"""Pruning deletes what nothing needs, says so first, and is noticed by who wants it back."""

import pytest
from typer.testing import CliRunner

from flows.absorb import absorb
from flows.cli.app import app
from flows.cli.targets import look as _look  # noqa: F401
from flows.cli.targets import prune as _prune  # noqa: F401 - registers the command
from tasks.absorbing.work import open_work
from tasks.contracts import keys
from tasks.contracts.target import AbsorbSettings, GateSettings
from tasks.errors import NotThere
from tasks.operations.operate import roll_back
from tasks.operations.prune import plan_prune, prune
from tasks.registry.stored import fetch_version
from tasks.tracking.api import connect
from tests.flows.conftest import World

pytestmark = pytest.mark.integration
EVERY_SOURCE_GIVES_A_VERSION = AbsorbSettings(mode="reference", lr=1e-3, epochs=2, initial_epochs=2)


def grasp(*arguments: str) -> str:
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    return done.output


def test_only_what_nothing_needs_is_pruned_and_a_rollback_to_it_is_refused(
    world: World, mlflow_server, tmp_path
):
    name = world.target.name
    world.replace_target(absorb=EVERY_SOURCE_GIVES_A_VERSION)
    for number, year in ((1, 2001), (2, 2002), (3, 2003)):
        world.publish(number, year=year)
    absorb(name)
    world.replace_target(gate=GateSettings(policy="improves", confidence=0.999999))
    world.publish(4, year=2004)
    absorb(name)
    assert [entry.decision for entry in world.decided()] == ["promoted"] * 3 + ["rejected"]
    rejected = world.decided()[-1]
    work = open_work(name, by="test")

    doomed = plan_prune(work, keep=0)
    assert "nothing was changed" in grasp("prune", name, "--keep", "0")
    assert plan_prune(work, keep=0) == doomed
    versions = [entry.registry_version for entry in world.decided() if entry.registry_version]
    champion, previous = world.journal.state().champion, world.journal.state().previous
    assert {champion, previous} & set(doomed.versions) == set()
    assert set(doomed.versions) | set(doomed.kept) == set(versions)
    assert rejected.registry_version in doomed.versions
    assert list(doomed.blobs) == [keys.blob_key(rejected.source.weights_sha256)]

    prune(work, doomed, keep=0)

    assert plan_prune(work, keep=0).versions == ()
    assert plan_prune(work, keep=0).blobs == {}
    for ancestor in world.decided()[:3]:
        assert world.store.head(keys.blob_key(ancestor.source.weights_sha256))
    fetch_version(connect(mlflow_server.uri), name, version=champion, directory=tmp_path)
    with pytest.raises(NotThere, match="pruned"):
        roll_back(work, doomed.versions[0], reason="the good old days")
    assert world.journal.state().champion == champion


def test_a_blob_that_another_manifest_wants_is_kept(world: World):
    name = world.target.name
    world.replace_target(gate=GateSettings(policy="always"))
    world.publish(1, year=2001)
    absorb(name)
    world.publish(2, year=2002, series="another")
    work = open_work(name, by="test")
    assert plan_prune(work, keep=0).blobs == {}


def test_a_deleted_target_absorbs_nothing_and_keeps_its_history_unless_told(world: World, mlflow_server):
    name, client = world.target.name, connect(mlflow_server.uri)
    world.publish(1, year=2001)
    absorb(name)
    assert name in grasp("target", "list")
    assert '"champion": 1' in grasp("target", "show", name)

    assert "nothing was changed" in grasp("target", "delete", name)
    assert name in grasp("target", "list")
    grasp("target", "delete", name, "--apply")

    assert name not in grasp("target", "list")
    assert world.journal.state().champion == 1
    assert client.get_registered_model(name)
    grasp("target", "delete", name, "--everything", "--apply")
    assert world.journal.state().seq == 0
    assert client.get_experiment_by_name(name) is None
