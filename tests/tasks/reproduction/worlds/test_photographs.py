"""Yearbook and CLEAR in their real layouts: periods, splits, labels, and what sources start from."""

import numpy as np
import pytest
import torch

from grasp_core.data.target import count
from grasp_core.errors import InvalidConfig, InvalidData, PretrainedUnavailable
from grasp_core.models.architectures import build
from tasks.errors import OperationRefused
from tasks.reproduction import sources
from tasks.reproduction.place import Place
from tasks.reproduction.worlds.photographs import drawn
from tasks.reproduction.worlds.usual import make_world
from tests.tasks.reproduction.conftest import STUDY

YEARBOOK = STUDY.model_copy(update={"dataset": "yearbook", "size": 8, "labels": "gender", "budget": 0})
CLEAR = YEARBOOK.model_copy(update={"dataset": "clear10", "labels": ""})


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path / "out")


def quiet(line):
    pass


def test_yearbooks_last_period_is_the_target_and_the_split_is_80_10_10(yearbook, place):
    said = []
    world = make_world(YEARBOOK, yearbook, place, said.append)
    assert (world.sources, world.target) == (("before-1950", "1950-1969", "1970-1989"), "1990-on")
    assert world.classes == ("female", "male")
    train, val = world.period("before-1950", seed=0)
    labelled = world.labelled(seed=0)
    assert [len(train), len(val), count(labelled.train), count(labelled.val)] == [32, 4, 32, 4]
    assert [len(test) for test in world.tests(seed=0)] == [4, 4, 4, 4]
    assert train.augment is not None
    assert labelled.train.augment is None
    assert any("1995_broken.png" in line for line in said)


def test_clear_has_its_bins_and_no_background(clear, place):
    world = make_world(CLEAR, clear, place, quiet)
    assert world.sources == ("year_1-2", "year_3-4", "year_5-6", "year_7-8")
    assert world.target == "year_9-10"
    assert world.classes == ("bus", "soccer")


def test_data_are_read_once_and_are_not_needed_again(yearbook, place):
    first = make_world(YEARBOOK, yearbook, place, quiet)
    again = make_world(YEARBOOK, None, place, quiet)
    assert again == first


def test_a_making_that_broke_off_is_begun_anew(yearbook, place):
    (place.data / "before-1950").mkdir(parents=True)
    (place.data / "before-1950" / "train-images.npy").write_bytes(b"half")
    world = make_world(YEARBOOK, yearbook, place, quiet)
    assert len(world.period("before-1950", seed=0).train) == 32


def test_without_data_and_with_another_layout_it_is_said_what_is_needed(clear, place):
    with pytest.raises(OperationRefused, match="grasp reproduce yearbook: needs --data"):
        make_world(YEARBOOK, None, place, quiet)
    with pytest.raises(InvalidData, match=r"has neither .* nor folders M and F"):
        make_world(YEARBOOK, clear, place, quiet)


def test_another_period_may_be_the_target_and_order_of_time_stays(yearbook, place):
    study = YEARBOOK.model_copy(update={"target_period": "1950-1969"})
    world = make_world(study, yearbook, place, quiet)
    assert (world.sources, world.target) == (("before-1950", "1970-1989", "1990-on"), "1950-1969")


def test_a_budget_draws_labels_of_all_classes_and_another_seed_others(clear, place):
    world = make_world(CLEAR.model_copy(update={"budget": 0}), clear, place, quiet)
    world = type(world)(world.made, world.folder, 13)
    with pytest.raises(InvalidConfig, match=r"--budget 13: means 3 to train on and 10 for val; .* 32 and 4"):
        world.labelled(seed=0)


def test_drawn_labels_are_as_many_of_each_class_and_the_seed_decides_which(yearbook, place):
    world = make_world(YEARBOOK, yearbook, place, quiet)
    train = world.labelled(seed=0).train
    first, same, other = (drawn(train, 10, seed) for seed in (0, 0, 1))
    assert np.bincount(first.labels.numpy()).tolist() == [5, 5]
    assert np.array_equal(first.images, same.images)
    assert not np.array_equal(first.images, other.images)


def test_without_pretrained_weights_sources_start_from_random_ones_and_that_is_said(
    yearbook, place, monkeypatch
):
    def unavailable(architecture, **sizes):
        raise PretrainedUnavailable(f"{architecture}: cannot be had")

    monkeypatch.setattr(sources, "build_pretrained", unavailable)
    world, said = make_world(YEARBOOK, yearbook, place, quiet), []
    networks = made_of(world, place, "torchvision/resnet18")
    assert networks.begin("auto", said.append).start == "random"
    assert "sources start from random weights instead, the paper's from ImageNet's" in said[0]
    with pytest.raises(PretrainedUnavailable):
        networks.begin("pretrained", quiet)


def made_of(world, place, architecture):
    return sources.Networks(
        study=YEARBOOK,
        world=world,
        place=place,
        architecture=architecture,
        seed=0,
        device=torch.device("cpu"),
    )


def test_pretrained_weights_are_kept_and_all_sources_descend_from_them(yearbook, place, monkeypatch):
    def pretrained(architecture, **sizes):
        module = build(architecture, **sizes)
        torch.nn.init.constant_(module.fc.bias, 7.0)
        return module

    monkeypatch.setattr(sources, "build_pretrained", pretrained)
    networks = made_of(make_world(YEARBOOK, yearbook, place, quiet), place, "torchvision/resnet18")
    assert networks.begin("auto", quiet).start == "pretrained"
    assert torch.equal(networks.ancestor().fc.bias, torch.full((2,), 7.0))
