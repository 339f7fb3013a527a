"""`grasp train-source`: what a source is trained for is settled before anything is decoded or trained."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from PIL import Image
from typer.testing import CliRunner

from flows.cli.app import command_line
from tasks.bucket.store import Store
from tasks.contracts import keys
from tasks.contracts.base import Architecture, InputSpec
from tasks.contracts.manifest import Manifest
from tasks.contracts.reading import read_document
from tasks.contracts.target import Target
from tasks.errors import InvalidDocument

WHEN = ("--series", "pets", "--period", "2014", "--start", "2014-01-01", "--end", "2014-12-31")
TARGET = Target(
    name="pets-now",
    series=("pets",),
    architecture=Architecture(id="grasp/digits-cnn", in_channels=3, num_classes=3),
    classes=("dog", "cat", "owl"),  # not in the order of the alphabet
    input=InputSpec(height=16, width=16, channels=3, mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.4)),
    dataset=f"datasets/pets/{'0' * 64}/dataset.json",
)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Bright dogs and dark cats: a network tells them at once."""
    rng = np.random.default_rng(0)
    for name, shade in (("cat", 0), ("dog", 200)):
        folder = tmp_path / "photos" / name
        folder.mkdir(parents=True)
        for number in range(30):
            pixels = rng.integers(shade, shade + 50, (16, 16, 3), np.uint8)
            Image.fromarray(pixels).save(folder / f"{number}.png")
    return tmp_path / "photos"


@pytest.fixture
def target(store: Store) -> Target:
    body = TARGET.model_dump_json(by_alias=True, exclude_none=True).encode()
    store.put(keys.target_key(TARGET.name), body)
    return TARGET


def train(*words: object) -> Result:
    runner = CliRunner(env={"COLUMNS": "200"})
    return runner.invoke(command_line(), ["train-source", *WHEN, *map(str, words)])


@pytest.mark.parametrize(
    ("said", "needed"),
    [
        (("--end", "2013-12-31"), "period 2014 ends on 2013-12-31, before its start 2014-01-01"),
        (("--start", "1.1.2014"), "start"),
        (("--period", "Year 14"), "label"),
        (("--rev", "0"), "rev"),
    ],
)
def test_a_period_that_cannot_be_published_is_refused_before_hours_of_training(
    target: Target, photos: Path, said: tuple[str, str], needed: str
):
    refused = train("--images", photos, "--target", target.name, *said)
    assert isinstance(refused.exception, InvalidDocument)
    assert needed in str(refused.exception)
    assert str(refused.exception).endswith("; nothing was trained")
    assert "epoch" not in refused.output


def published(store: Store) -> list[Manifest]:
    found = store.list(keys.MANIFESTS)
    return [read_document(Manifest, store.get(item.key).body, name=item.key) for item in found]


def test_a_source_for_a_target_has_its_network_classes_and_input(store: Store, target: Target, photos: Path):
    done = train("--images", photos, "--target", "pets-now", "--epochs", 5, "--lr", "0.003")

    assert done.exit_code == 0, done.output
    (manifest,) = published(store)
    for field in ("architecture", "classes", "input"):
        assert getattr(manifest, field) == getattr(target, field)
    assert manifest.metrics["val_accuracy"] == 1.0  # labels were counted in the target's order
    assert "no folder of 'owl': this source will not know them" in done.output
    assert "warning" not in done.output


def test_a_class_that_the_target_lacks_is_refused_before_training(store: Store, target: Target, photos: Path):
    (photos / "fish").mkdir()
    refused = train("--images", photos, "--target", "pets-now")

    assert isinstance(refused.exception, InvalidDocument)
    assert "has classes that target pets-now has not: 'fish'" in str(refused.exception)
    assert "epoch" not in refused.output
    assert published(store) == []


def test_a_series_that_the_target_does_not_absorb_is_refused(store: Store, target: Target, photos: Path):
    other = train("--images", photos, "--target", "pets-now", "--series", "plants")
    assert "target pets-now: absorbs pets, not plants" in str(other.exception)


def test_a_source_that_fits_no_target_is_warned_of_before_it_is_trained(
    store: Store, target: Target, photos: Path
):
    done = train("--images", photos, "--size", "8x8x3", "--epochs", 3)

    assert done.exit_code == 0, done.output
    first = " ".join(done.output.split("epoch 1/3")[0].split())
    assert "target pets-now would refuse its architecture: found num_classes 2; needed num_classes 3" in first
    assert "no target takes this source" in first


def test_a_place_that_is_taken_is_warned_of_before_hours_of_training(
    store: Store, target: Target, photos: Path
):
    wanted = ("--images", photos, "--target", target.name, "--epochs", 3)
    first = train(*wanted)
    again = train(*wanted)
    other = train(*wanted, "--seed", 1)

    assert "is there already" not in first.output
    warned = " ".join(again.output.split("epoch 1/3")[0].split())
    assert "manifests/pets/2014/1.json is there already" in warned
    assert "--rev 2 publishes it as a correction" in warned
    assert again.exit_code == 0, again.output  # the same source: nothing is lost by training it twice
    assert "holds another source" in str(other.exception)


def test_size_mean_and_std_can_be_said(store: Store, photos: Path):
    done = train("--images", photos, "--size", "12x12x3", "--mean", "0.1,0.2,0.3", "--epochs", 3)
    assert done.exit_code == 0, done.output
    (manifest,) = published(store)
    assert (manifest.input.height, manifest.input.mean) == (12, (0.1, 0.2, 0.3))


def test_what_a_target_brings_is_not_said_twice(store: Store, target: Target, photos: Path):
    refused = train("--images", photos, "--target", "pets-now", "--size", "8x8x3")
    assert refused.exit_code == 2
    assert "say it or those, not both" in " ".join(refused.output.split())
