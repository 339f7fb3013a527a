"""Absorb runs on real servers: one decision per arrival, and MLflow shows what the journal says."""

import json
import os
import subprocess
import sys
from pathlib import Path

import boto3
import mlflow.pyfunc
import numpy as np
import pytest
import torch
from mlflow import MlflowClient
from typer.testing import CliRunner

from flows.absorb import absorb
from flows.cli.app import app
from flows.cli.targets import operate as _operate  # noqa: F401 - registers the command
from grasp_core.errors import InvalidConfig
from tasks.contracts import keys
from tasks.contracts.base import Architecture
from tasks.contracts.target import AbsorbSettings, GateSettings
from tasks.registry.registry import aliases
from tasks.weights.files import load_module, new_module, save
from tasks.weights.licensing import state_license
from tests.flows.conftest import ARCHITECTURE, World

pytestmark = pytest.mark.integration


@pytest.fixture
def client(mlflow_server) -> MlflowClient:
    return MlflowClient(tracking_uri=mlflow_server.uri, registry_uri=mlflow_server.uri)


def runs_of(client: MlflowClient, world: World):
    experiment = client.get_experiment_by_name(world.target.name)
    return client.search_runs([experiment.experiment_id])


def test_every_ready_source_is_absorbed_in_period_order(world: World, client: MlflowClient):
    world.publish(2, year=2002)
    world.publish(1, year=2001)

    absorb(world.target.name)

    decided = world.decided()
    assert [entry.source.period.label for entry in decided] == ["2001", "2002"]
    assert [entry.index for entry in decided] == [1, 2]
    assert decided[0].reason_code == "first"
    assert decided[1].parent_version == decided[0].registry_version
    champion = world.journal.state().champion
    assert aliases(client, world.target.name)["champion"] == champion
    runs = runs_of(client, world)
    assert {run.info.run_name for run in runs} == {"absorb/0001/2001", "absorb/0002/2002", "lineage/main"}
    assert {run.info.status for run in runs} == {"FINISHED"}


def test_the_champion_loads_and_predicts(world: World):
    world.publish(1, year=2001)
    absorb(world.target.name)

    model = mlflow.pyfunc.load_model(f"models:/{world.target.name}@champion")

    assert model.predict(np.zeros((3, 8, 8, 1), np.uint8)).shape == (3, 10)


def test_weights_that_overflow_are_refused_and_the_next_source_is_not_blamed(world: World, tmp_path):
    huge = new_module(ARCHITECTURE)
    with torch.no_grad():
        huge.conv2.weight.fill_(1e30)
    save(huge, tmp_path / "huge.safetensors")
    world.files = [tmp_path / "huge.safetensors", world.files[0]]
    world.publish(1, year=2001)
    world.publish(2, year=2002)

    absorb(world.target.name)

    first, second = world.decided()
    assert (first.decision, first.reason_code) == ("quarantined", "loss")
    assert "running_var" in first.reason.found
    assert (second.decision, second.reason_code) == ("promoted", "first")


def with_huge_head(world: World, number: int, file: Path) -> Path:
    """Scale a source's head by 1e30: every prediction stays, every loss runs away."""
    model = load_module(world.files[number - 1], ARCHITECTURE)
    with torch.no_grad():
        model.head.weight.mul_(1e30)
    save(model, file)
    return file


@pytest.mark.parametrize("policy", ["always", "non_inferior"])
def test_a_candidate_whose_loss_ran_away_is_refused_and_a_person_who_takes_it_is_warned(
    world: World, tmp_path: Path, policy: str
):
    settings = AbsorbSettings(mode="reference", threshold=-1, lr=1e-3, epochs=2, initial_epochs=2)
    world.replace_target(absorb=settings, gate=GateSettings(policy=policy, margin=1.0, confidence=0.999999))
    huge = with_huge_head(world, 2, tmp_path / "huge.safetensors")
    world.files = [huge, world.files[0], with_huge_head(world, 3, tmp_path / "huger.safetensors")]
    for number in (1, 2, 3):
        world.publish(number, year=2000 + number)

    absorb(world.target.name)

    decided = world.decided()
    codes = [(entry.decision, entry.reason_code) for entry in decided]
    assert codes == [("rejected", "absurd_loss"), ("promoted", "first"), ("rejected", "absurd_loss")]
    assert all("numbers have run away" in decided[n].reason.found for n in (0, 2))
    assert world.journal.state().champion == decided[1].registry_version

    version = str(decided[2].registry_version)
    done = CliRunner().invoke(app, ["promote", world.target.name, version, "--reason", "I know"])
    assert done.exit_code == 0, done.output
    assert "warning" in done.stderr
    assert "run away" in done.stderr
    assert world.journal.state().champion == decided[2].registry_version


def test_the_model_card_names_the_licence_that_a_source_states(world: World, client: MlflowClient, tmp_path):
    licensed = tmp_path / "licensed.safetensors"
    state_license(world.files[0], licensed, "cc-by-4.0")
    world.files = [licensed]
    world.publish(1, year=2001)
    absorb(world.target.name)

    version = client.get_model_version_by_alias(world.target.name, "champion")
    model = mlflow.artifacts.download_artifacts(version.source, dst_path=str(tmp_path))

    card = (Path(model) / "README.md").read_text()
    assert "| 1 | digits | 2001 | 1 | all | not stated | first | cc-by-4.0 |" in card


def test_the_same_weights_under_another_rev_are_a_duplicate(world: World, client: MlflowClient):
    world.publish(1, year=2001)
    world.publish(1, year=2001, rev=2)

    absorb(world.target.name)

    assert [entry.decision for entry in world.decided()] == ["promoted", "duplicate"]
    assert len(client.search_model_versions(f"name = '{world.target.name}'")) == 1


def test_a_second_run_finds_nothing_left_to_do(world: World, client: MlflowClient):
    world.publish(1, year=2001)
    absorb(world.target.name)
    seq = world.journal.state().seq

    absorb(world.target.name)

    assert world.journal.state().seq == seq


def test_a_blob_with_another_hash_is_quarantined_and_holds_back_no_other(world: World):
    manifest = world.manifest(2, 2002)
    world.store.put(manifest.weights.key, b"x" * manifest.weights.size_bytes)
    world.store.create(manifest.key, manifest.model_dump_json(exclude_none=True).encode())
    world.publish(1, year=2003)

    absorb(world.target.name)

    assert {(e.decision, e.reason_code) for e in world.decided()} == {
        ("quarantined", "blob_digest"),
        ("promoted", "first"),
    }
    assert not list(world.cache_dir.rglob(".partial-*"))


def test_a_source_published_with_a_plain_s3_client_is_absorbed(world: World, moto):
    plain = boto3.client(
        "s3",
        endpoint_url=moto.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id="a",
        aws_secret_access_key="b",
    )
    manifest = world.manifest(1, 2001)
    document = json.loads(manifest.model_dump_json(exclude_none=True)) | {"publisher": "team-a"}
    plain.put_object(Bucket=world.store.bucket, Key=manifest.weights.key, Body=world.files[0].read_bytes())
    plain.put_object(
        Bucket=world.store.bucket, Key="manifests/digits/2001/1.json", Body=json.dumps(document).encode()
    )

    absorb(world.target.name)

    assert [entry.reason_code for entry in world.decided()] == ["first"]


def test_two_runs_at_once_give_one_result(world: World, client: MlflowClient, prefect_api: str):
    world.publish(1, year=2001)
    world.publish(2, year=2002)
    code = f"from flows.absorb import absorb; absorb({world.target.name!r})"

    environment = os.environ | {"PREFECT_API_URL": prefect_api}
    both = [subprocess.Popen([sys.executable, "-c", code], env=environment) for _ in range(2)]

    assert [process.wait() for process in both] == [0, 0]
    decided = world.decided()
    assert [entry.index for entry in decided] == [1, 2]
    live = [
        version
        for version in client.search_model_versions(f"name = '{world.target.name}'")
        if "duplicate_of" not in version.tags
    ]
    registered = {entry.registry_version for entry in decided if entry.registry_version}
    assert {int(version.version) for version in live} == registered
    assert "RUNNING" not in {run.info.status for run in runs_of(client, world)}


def test_aliases_that_a_dead_writer_left_behind_are_repaired(world: World, client: MlflowClient):
    world.publish(1, year=2001)
    absorb(world.target.name)
    client.delete_registered_model_alias(world.target.name, "champion")
    world.store.delete(keys.projected_key(world.target.name))

    absorb(world.target.name)

    assert aliases(client, world.target.name)["champion"] == world.journal.state().champion
    assert world.store.head(keys.projected_key(world.target.name))


def test_a_late_source_is_parked_where_late_ones_are(world: World):
    world.replace_target(late="park")
    world.publish(2, year=2002)
    absorb(world.target.name)
    world.publish(1, year=2001)

    absorb(world.target.name)

    assert [e.reason_code for e in world.decided()] == ["first", "late"]


def test_a_paused_target_absorbs_nothing(world: World):
    world.replace_target(paused=True)
    world.publish(1, year=2001)

    absorb(world.target.name)

    assert world.decided() == []


def test_a_network_that_cannot_see_the_images_spends_no_attempt(world: World):
    world.publish(1, year=2001)
    blind = Architecture(id="timm/vit_tiny_patch16_224", in_channels=1, num_classes=10)
    world.replace_target(architecture=blind)

    with pytest.raises(InvalidConfig, match="cannot see images of 8 x 8 pixels"):
        absorb(world.target.name)

    assert [entry for entry in world.journal.entries() if entry.kind == "attempted"] == []
