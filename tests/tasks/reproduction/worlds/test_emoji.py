"""Emoji by year from tiny packages in the real format: who serves what, and what is said of faults."""

import numpy as np
import pytest

from grasp_core.data.emoji import CLASSES
from grasp_core.data.target import count
from grasp_core.errors import InvalidConfig, InvalidData
from tasks.errors import OperationRefused
from tasks.reproduction.place import Place
from tasks.reproduction.worlds.usual import make_world
from tests.benchmarks.packages import entry, package
from tests.tasks.reproduction.conftest import STUDY

EMOJI = STUDY.model_copy(update={"dataset": "emoji", "size": 64, "budget": 0})


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path / "out")


@pytest.fixture
def packages(tmp_path):
    """Three periods of 80 emoji; the first lacks ten of them."""
    folder = tmp_path / "packages"
    folder.mkdir()
    entries = [entry(f"1F{number:03X}", CLASSES[number % 9], place=number) for number in range(80)]
    for shade, (name, known) in enumerate(
        [("datasource-2.4.4", 70), ("datasource-google-6.0.1", 80), ("datasource-google-16.0.0", 80)]
    ):
        colours = [(number, 100 * shade, 50, 255) for number in range(known)]
        package(folder / f"emoji-{name}.tgz", entries[:known], colours, sheet="2.4.4" in name)
    return folder


def world_of(packages, place, budget=0):
    return make_world(EMOJI.model_copy(update={"budget": budget}), packages, place, lambda line: None)


def colours(samples):
    """What tells an emoji apart: its first channel."""
    return {int(picture[0, 0, 0]) for picture in samples.images}


def test_an_identity_serves_either_sources_or_labels_or_tests_in_whatever_period(packages, place):
    world = world_of(packages, place)
    assert (world.sources, world.target) == (("2016-06", "2021-03"), "2025-09")
    labelled, tests = world.labelled(seed=0), world.tests(seed=0)
    source = [colours(part) for label in world.sources for part in world.period(label, seed=0)]
    of_sources = set.union(*source)
    of_labels = colours(labelled.train) | colours(labelled.val)
    of_tests = set.union(*map(colours, tests))
    assert (len(of_sources), len(of_labels), len(of_tests)) == (40, 16, 24)
    assert len(of_sources | of_labels | of_tests) == 80
    assert [int(test.images[0, 0, 0, 1]) for test in tests] == [0, 100, 200]  # as each period drew them
    assert len(tests[0]) <= len(tests[1]) == len(tests[2])


def test_the_seed_deals_and_a_budget_draws(packages, place):
    world = world_of(packages, place, budget=14)
    labelled = world.labelled(seed=0)
    assert (count(labelled.train), count(labelled.val)) == (4, 10)
    assert colours(labelled.val) != colours(world.labelled(seed=1).val)
    with pytest.raises(InvalidConfig, match="needs 12 to 16 labels"):
        world_of(packages, place, budget=17).labelled(seed=0)


def test_packages_are_read_once(packages, place):
    first = world_of(packages, place)
    for path in packages.iterdir():
        path.unlink()
    again = world_of(None, place)
    assert again.kept == first.kept
    assert np.array_equal(again.tests(seed=0)[0].images, first.tests(seed=0)[0].images)


def test_without_packages_it_is_said_which_are_needed(tmp_path, place):
    with pytest.raises(InvalidData, match=r"has 0 of emoji-datasource-2\.4\.4\.tgz, .*npm pack"):
        world_of(tmp_path, place)
    with pytest.raises(OperationRefused, match="grasp reproduce emoji: needs --data"):
        world_of(None, place)
