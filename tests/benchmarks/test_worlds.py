"""Where sources start: at one base, at the source before, or at what a peer serves."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from benchmarks.accuracy import worlds
from benchmarks.accuracy.cells import measure
from benchmarks.accuracy.corpus import CORPORA
from benchmarks.accuracy.following import following
from benchmarks.accuracy.settings import FOLLOWING, Setting, World
from grasp_core.seed import derive

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    short = replace(worlds.BASE_TRAINING, epochs=3)
    monkeypatch.setattr(worlds, "BASE_TRAINING", short)
    monkeypatch.setattr(worlds, "SOURCE_TRAINING", short)


def trained_on(model: nn.Module, world: World, number: int) -> nn.Module:
    period = CORPORA[world.corpus].source(number, of=world.k, strength=world.strength, seed=1)
    worlds.learn(model, period, worlds.training_of(world), seed=derive(1, "source", number))
    return model


def same(first: nn.Module, second: nn.Module) -> bool:
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_a_chained_source_goes_on_from_the_one_before(tmp_path):
    chained, plain = (World("digits", 1.0, k=2, sources=sources) for sources in ("chained", "plain"))
    first, second = worlds.sources(chained, seed=1, cache=tmp_path)
    assert same(second(), trained_on(first(), chained, 2))
    base = worlds.ancestor(plain, seed=1, cache=tmp_path)
    assert same(worlds.sources(plain, seed=1, cache=tmp_path)[1](), trained_on(base(), plain, 2))


class Serves:
    """A peer that serves one network whatever it meets."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model


def test_a_source_from_the_served_model_goes_on_from_what_its_peer_serves(tmp_path):
    world = World("digits", 1.0, k=2, sources="from_served")
    peer = Serves(worlds.network(world, seed=5))
    first, second = following(world, peer, seed=1, cache=tmp_path)
    base = worlds.ancestor(world, seed=1, cache=tmp_path)
    assert same(first(), trained_on(base(), world, 1))
    assert same(second(), trained_on(worlds.network(world, seed=5), world, 2))
    assert same(peer.model, worlds.network(world, seed=5))  # training took a copy


def test_a_source_from_the_stem_goes_on_from_what_its_peer_names_as_a_start(tmp_path):
    world = World("digits", 1.0, k=2, sources="from_stem")
    peer = Serves(worlds.network(world, seed=5))
    peer.start = lambda: worlds.network(world, seed=6)
    _, second = following(world, peer, seed=1, cache=tmp_path)
    assert same(second(), trained_on(worlds.network(world, seed=6), world, 2))


@pytest.mark.parametrize("sources", FOLLOWING)
def test_a_cell_of_sources_that_follow_their_peer_is_measured(tmp_path, sources):
    setting = Setting(World("digits", 1.0, k=2, sources=sources), "chronological", 20, ("best_source",))
    assert len(measure(setting, "best_source", seed=1, cache=tmp_path).accuracies) == 2
