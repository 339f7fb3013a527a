"""Pruning deletes what nothing needs, says so first, and is noticed by who wants it back."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from mlflow import MlflowClient
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
ROOT = Path(__file__).parents[3]
EVERY_SOURCE_GIVES_A_VERSION = AbsorbSettings(mode="reference", lr=1e-3, epochs=2, initial_epochs=2)


def grasp(*arguments: str) -> str:
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    return done.output


def weights_of(mlflow_server, client: MlflowClient, name: str) -> list[str]:
    """The files with weights that MLflow keeps of a target's registered versions: version/file."""
    found = []
    for version in client.search_model_versions(f"name = '{name}'"):
        model = client.get_logged_model(version.source.removeprefix("models:/"))
        kept = mlflow_server.artifacts.rglob(f"{model.model_id}/artifacts/data/*.safetensors")
        found += [f"{version.version}/{path.name}" for path in kept]
    return sorted(found)


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


# Runs in a process of its own: it only forks, and each child deletes, until it kills itself after some write.
CUT = """
import os, signal, sys
from mlflow.store.artifact.mlflow_artifacts_repo import MlflowArtifactsRepository
from mlflow import MlflowClient
from tasks.absorbing.work import open_work
from tasks.bucket.store import Store
from tasks.operations.prune import plan_prune, prune

left = 0

def counted(cls, name):
    original = getattr(cls, name)
    def write(*args, **kwargs):
        global left
        done = original(*args, **kwargs)
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return done
    setattr(cls, name, write)

for cls, name in ((MlflowClient, "set_model_version_tag"), (Store, "delete"),
                  (MlflowArtifactsRepository, "delete_artifacts")):
    counted(cls, name)
target, cuts = sys.argv[1], 0
while True:
    if (child := os.fork()) == 0:
        left = 1
        work = open_work(target, by="test")
        prune(work, plan_prune(work, keep=0), keep=0)
        os._exit(0)
    if os.waitpid(child, 0)[1] == 0:
        break
    cuts += 1
print(cuts)
"""


def test_a_prune_killed_after_every_write_is_finished_by_the_next(world: World, mlflow_server, prefect_api):
    name, client = world.target.name, connect(mlflow_server.uri)
    world.replace_target(absorb=EVERY_SOURCE_GIVES_A_VERSION)
    world.publish(1, year=2001)
    absorb(name)
    world.replace_target(gate=GateSettings(policy="improves", confidence=0.999999))
    for number, year in ((2, 2002), (3, 2003)):
        world.publish(number, year=year)
    absorb(name)
    assert weights_of(mlflow_server, client, name) == [f"{n}/served.safetensors" for n in (1, 2, 3)]

    environment = os.environ | {"PREFECT_API_URL": prefect_api}
    done = subprocess.run(
        [sys.executable, "-c", CUT, name],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[-1]) == 2 * 3 + 2  # tag, delete, tag of two versions; two blobs
    assert weights_of(mlflow_server, client, name) == ["1/served.safetensors"]
    decided = world.decided()
    blobs = [world.store.head(keys.blob_key(entry.source.weights_sha256)) for entry in decided]
    assert [blob is not None for blob in blobs] == [True, False, False]
    work = open_work(name, by="test")
    assert (plan_prune(work, keep=0).versions, plan_prune(work, keep=0).blobs) == ((), {})


def test_what_an_older_prune_only_tagged_is_pruned(world: World, mlflow_server):
    name, client = world.target.name, connect(mlflow_server.uri)
    world.replace_target(absorb=EVERY_SOURCE_GIVES_A_VERSION)
    world.publish(1, year=2001)
    absorb(name)
    world.replace_target(gate=GateSettings(policy="improves", confidence=0.999999))
    world.publish(2, year=2002)
    absorb(name)
    client.set_model_version_tag(name, "2", "pruned", "2026-01-01 00:00 by grasp prune")
    work = open_work(name, by="test")
    doomed = plan_prune(work, keep=0)
    assert doomed.versions == (2,)
    prune(work, doomed, keep=0)
    assert weights_of(mlflow_server, client, name) == ["1/served.safetensors"]
    assert client.get_model_version(name, "2").tags["pruned"] == "2026-01-01 00:00 by grasp prune"


def test_weights_that_a_version_in_use_shares_with_a_leftover_stay(world: World, mlflow_server):
    """A request that was sent twice registers one model as two versions."""
    name, client = world.target.name, connect(mlflow_server.uri)
    world.publish(1, year=2001)
    absorb(name)
    first = client.get_model_version(name, "1")
    model_id = first.source.removeprefix("models:/")
    twin = client.create_model_version(
        name, first.source, run_id=first.run_id, model_id=model_id, tags=first.tags
    )
    client.set_model_version_tag(name, twin.version, "duplicate_of", "1")
    work = open_work(name, by="test")
    assert plan_prune(work, keep=0).versions == ()


def test_what_a_person_registered_is_no_leftover(world: World, mlflow_server):
    name, client = world.target.name, connect(mlflow_server.uri)
    world.publish(1, year=2001)
    absorb(name)
    source = client.get_model_version(name, "1").source
    model_id = source.removeprefix("models:/")
    client.create_model_version(name, source, model_id=model_id, tags={"mine": "yes"})
    assert plan_prune(open_work(name, by="test"), keep=0).versions == ()


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
