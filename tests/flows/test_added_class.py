"""A class is added to a living target: old sources and new ones are absorbed, and it can be replayed."""

from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from flows.absorb import absorb
from flows.cli.app import command_line
from grasp_core.data import digits
from tasks.absorbing.measure import measured_version
from tasks.absorbing.recorded import fetch_known
from tasks.absorbing.work import Work, open_work
from tasks.contracts.target import AbsorbSettings
from tasks.data.datasets import SplitArrays, publish_dataset
from tasks.lineages.verify import verify
from tasks.publishing.publish import publish, weights_of
from tasks.weights.files import load_module, save
from tasks.weights.grown import grown
from tests.flows.conftest import ARCHITECTURE, INPUT, World

pytestmark = pytest.mark.integration

LONGER = (*digits.CLASSES, "blank")
NOW = ARCHITECTURE.model_copy(update={"num_classes": 11})
BLANK = 10  # its label


@pytest.fixture(autouse=True)
def _every_source_gives_a_version(world: World):
    torch.set_num_threads(1)
    world.replace_target(absorb=AbsorbSettings(mode="reference", lr=1e-3, epochs=5, initial_epochs=5))


def grasp(*words: str) -> str:
    done = CliRunner(env={"COLUMNS": "400"}).invoke(command_line(), words)
    assert done.exit_code == 0, done.output
    return done.output


def with_blanks(world: World) -> str:
    """The target's digits, and in each split a fifth as many images of nothing but pale noise."""
    splits, noise, arrays = (
        digits.target(budget=60, strength=1.0, seed=0, gate=100),
        np.random.default_rng(0),
        {},
    )
    for name in ("train", "val", "gate", "test"):
        part = getattr(splits, name)
        many = max(3, len(part.labels) // 5)
        blanks = noise.integers(0, 60, (many, 8, 8, 1)).astype(np.uint8)
        arrays[name] = SplitArrays(
            images=np.concatenate([part.images, blanks]),
            labels=np.concatenate([part.labels, np.full(many, BLANK)]),
            ids=(*part.ids, *(f"{name}-blank-{number}" for number in range(many))),
        )
    return publish_dataset(world.store, "digits-now", classes=LONGER, input=INPUT, splits=arrays)


def publish_longer(world: World, directory: Path, *, year: int) -> None:
    """A source that was trained with the longer list."""
    file = directory / "longer.safetensors"
    save(grown(load_module(world.files[2], ARCHITECTURE), NOW), file)
    said = world.manifest(3, year).model_copy(
        update={"architecture": NOW, "classes": LONGER, "weights": weights_of(file)}
    )
    publish(world.store, file, manifest=said)


def blanks_found(work: Work, version: int) -> float:
    """The share of the test split's blanks that a version calls blank."""
    row = measured_version(work, version).test.confusion[BLANK]
    return row[BLANK] / sum(row)


def test_a_class_is_added_and_sources_of_either_list_are_absorbed_and_replayed(world: World, tmp_path: Path):
    name, data = world.target.name, with_blanks(world)
    world.publish(1, year=2001)
    absorb(name)

    asked = ("target", "set", name, "--dataset", data, "--classes", ",".join(LONGER))
    assert "blank: train 9" in grasp(*asked)
    assert "the next source heeds it" in grasp(*asked, "--reason", "blanks turn up", "--apply")
    world.publish(2, year=2002)
    absorb(name)
    publish_longer(world, tmp_path, year=2003)
    absorb(name)

    assert [each.decision for each in world.decided()] == ["promoted"] * 3
    kinds = [entry.kind for entry in world.journal.entries()]
    assert (
        kinds.index("changed")
        < kinds.index("measured")
        < [n for n, k in enumerate(kinds) if k == "decided"][1]
    )
    work = open_work(name, by="test")
    assert [blanks_found(work, version) for version in (1, 2)] == [0.0, pytest.approx(1.0, abs=0.3)]
    champion = world.decided()[1].figures["champion_gate_accuracy"]
    assert champion == pytest.approx(measured_version(work, 1).gate.accuracy)
    files = fetch_known(work, 3, tmp_path)
    assert [each.classes for each in files.ancestors] == [None, 10, None]
    assert load_module(files.served, NOW).head.out_features == 11
    assert [(each.version, each.same) for each in verify(work, 3)] == [(1, True), (2, True), (3, True)]

    grasp("backfill", name, "--from", "2001", "--to", "2002", "--apply")
    head = world.journal.state().champion
    assert head not in (None, 1, 2, 3)
    work = open_work(name, by="test")
    assert blanks_found(work, head) == pytest.approx(1.0, abs=0.3)
    assert [each.classes for each in fetch_known(work, head, work_directory(tmp_path)).ancestors] == [10, 10]


def work_directory(path: Path) -> Path:
    directory = path / "head"
    directory.mkdir()
    return directory
