"""A person takes a version home, asks it about images, and holds two versions against each other."""

import hashlib
import json
from pathlib import Path

import mlflow
import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file
from typer.testing import CliRunner

from flows.absorb import absorb
from flows.cli.app import command_line
from grasp_core.data import digits
from grasp_core.data.decoding import decode
from tasks.contracts.target import AbsorbSettings, GateSettings
from tests.flows.conftest import World

pytestmark = pytest.mark.integration


@pytest.fixture
def two_versions(world: World) -> World:
    world.publish(1, year=2001)
    world.publish(2, year=2002)
    absorb(world.target.name)
    assert [decided.registry_version for decided in world.decided()] == [1, 2]
    return world


def grasp(*words: object):
    return CliRunner(env={"COLUMNS": "200"}).invoke(command_line(), [str(word) for word in words])


def test_a_pulled_champion_has_the_bytes_that_were_promoted_and_says_what_it_is(
    two_versions: World, tmp_path: Path
):
    name, to = two_versions.target.name, tmp_path / "champion"

    pulled = grasp("champion", "pull", name, "--to", to)

    assert pulled.exit_code == 0, pulled.output
    served = to / "served.safetensors"
    digest = hashlib.sha256(served.read_bytes()).hexdigest()
    assert digest == two_versions.decided()[-1].weights_sha256
    assert digest in pulled.output
    assert load_file(served)
    assert f"# {name}, index 2" in (to / "README.md").read_text()

    again = grasp("champion", "pull", name, "--to", to)
    assert again.exit_code == 1
    assert "holds something already" in str(again.exception)


def test_a_target_without_a_champion_has_nothing_to_pull(world: World, tmp_path: Path):
    refused = grasp("champion", "pull", world.target.name, "--to", tmp_path / "champion")

    assert "has no champion yet" in str(refused.exception)
    assert not (tmp_path / "champion").exists()


def test_a_source_trained_from_the_champion_says_so_wherever_it_is_shown(world: World, tmp_path: Path):
    name = world.target.name
    world.publish(1, year=2001)
    absorb(name)
    when = ("--series", "digits", "--period", "2002", "--start", "2002-01-01", "--end", "2002-12-31")

    trained = grasp("train-source", "--from", f"{name}@champion", "--digits", "2/4", *when, "--epochs", 3)

    assert trained.exit_code == 0, trained.output
    manifest = json.loads(world.store.get("manifests/digits/2002/1.json").body)
    stem = world.decided()[0].stem_sha256  # what no label of the target has trained
    assert stem != world.decided()[0].weights_sha256
    champion = {"weights_sha256": stem, "target": name, "registry_version": 1}
    assert (manifest["schema_version"], manifest["parent"]) == (2, champion)
    assert manifest["metrics"]["val_accuracy"] > 0.5  # three epochs from nothing stay at 0.1 to 0.3

    world.replace_target(
        absorb=AbsorbSettings(mode="reference", epochs=1), gate=GateSettings(policy="always")
    )
    absorb(name)
    words = f"version 1 of {name} (weights {champion['weights_sha256'][:12]})"
    told = grasp("explain", "digits/2002/1", "--target", name)
    assert f"its training started from {words}" in " ".join(told.output.split())
    pulled = grasp("champion", "pull", name, "--to", tmp_path / "pulled", "--version", 2)
    assert pulled.exit_code == 0, pulled.output
    first, second = json.loads((tmp_path / "pulled" / "ancestors.json").read_text())["ancestors"]
    assert "parent" not in first  # who does not know the field can read what does not need it
    assert second["parent"] == champion
    card = (tmp_path / "pulled" / "README.md").read_text()
    assert f"| 2 | digits | 2002 | 1 | all | {words} |" in card


def test_a_start_that_is_no_version_of_a_target_is_refused_before_training(two_versions: World):
    when = ("--series", "digits", "--period", "2003", "--start", "2003-01-01", "--end", "2003-12-31")
    for which, said in (
        ("digits-now", "needs TARGET@champion"),
        (f"{two_versions.target.name}@9", "no decided version 9"),
    ):
        refused = grasp("train-source", "--from", which, "--digits", "2/4", *when)
        assert said in str(refused.exception)
        assert "epoch" not in refused.output


def test_an_image_is_classified_as_the_served_champion_does_it(two_versions: World, tmp_path: Path):
    name = two_versions.target.name
    shown = digits.target(budget=60, strength=1.0, seed=0, gate=100).test
    files = [tmp_path / f"{number}.png" for number in range(5)]
    for number, file in enumerate(files):
        Image.fromarray(np.asarray(shown.images[number])[..., 0]).save(file)

    said = grasp("predict", name, *files, "--json", "--top", "10")

    assert said.exit_code == 0, said.output
    rows = [json.loads(line) for line in said.stdout.splitlines()]
    assert [Path(row["image"]) for row in rows] == files
    assert {row["registry_version"] for row in rows} == {2}
    served = mlflow.pyfunc.load_model(f"models:/{name}@champion")
    chances = served.predict(np.stack([decode(file, height=8, width=8, channels=1) for file in files]))
    for row, needed in zip(rows, chances, strict=True):
        given = {each["class"]: each["probability"] for each in row["classes"]}
        assert [given[label] for label in digits.CLASSES] == pytest.approx(needed.tolist(), abs=1e-6)
        assert row["classes"][0]["class"] == digits.CLASSES[int(needed.argmax())]

    first = grasp("predict", name, files[0], "--version", "1")
    assert "(version 1)" in first.output


def test_what_is_no_image_is_said(two_versions: World, tmp_path: Path):
    (tmp_path / "page.png").write_text("<html>")

    refused = grasp("predict", two_versions.target.name, tmp_path / "page.png")

    assert refused.exit_code == 1
    assert "page.png" in str(refused.exception)
    assert "not predicted" in str(refused.exception)


def test_two_versions_are_compared_by_accuracy_class_and_the_sources_between_them(two_versions: World):
    said = grasp("compare", two_versions.target.name, 1, 2, "--json")

    assert said.exit_code == 0, said.output
    found = json.loads(said.stdout)
    first, second = two_versions.decided()
    assert found["first"]["gate_accuracy"] == pytest.approx(first.figures["gate_accuracy"])
    assert found["second"]["gate_accuracy"] == pytest.approx(second.figures["gate_accuracy"])
    assert (found["first"]["sources"], found["second"]["sources"]) == ([], ["digits/2002"])
    difference = found["second"]["gate_accuracy"] - found["first"]["gate_accuracy"]
    assert (found["gained"] - found["lost"]) / found["gate_samples"] == pytest.approx(difference)
    assert sum(each["samples"] for each in found["classes"]) == found["gate_samples"]
    right = sum(each["samples"] * each["second"] for each in found["classes"])
    assert right == pytest.approx(found["gate_samples"] * found["second"]["gate_accuracy"])

    shown = grasp("compare", two_versions.target.name, 1, 2).output
    assert "exact McNemar" in shown
    assert "digits/2002" in shown


def test_a_version_that_was_never_decided_compares_with_nothing(two_versions: World):
    refused = grasp("compare", two_versions.target.name, 1, 77)

    assert "77" in str(refused.exception)
