"""The traps: sources and labels on which a careless absorb does harm, each with its own data."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import MappingProxyType

import torch
from torch import nn

from benchmarks.traps.networks import (
    Attention,
    frozen_normed,
    layer_normed,
    sparse_features,
    sparse_head,
)
from grasp_core.data import digits
from grasp_core.data.samples import Samples
from grasp_core.data.target import TargetData
from grasp_core.models.architectures import build
from grasp_core.models.snapshots import MemorySnapshots
from grasp_core.seed import derive
from grasp_core.training.sources import SourceTrainingConfig, train_source

K = 3  # sources
TRAINING = SourceTrainingConfig(epochs=30, lr=1e-3, head_factor=1.0)
SCALE = 30.0  # of the first layer of every second source

Show = Callable[[digits.Split], Samples]  # how a network sees images


@dataclass(frozen=True, slots=True)
class Trap:
    """What is unusual; everything else is digits, 60 labels, a small convolutional network."""

    strength: float = 1.0
    budget: int = 60
    network: Callable[[], nn.Module] = lambda: build("grasp/digits-cnn", in_channels=1, num_classes=10)
    show: Show = digits.Split.samples
    seen_by_sources: Show | None = None  # another way to show them
    spoil: Callable[[nn.Module, int], None] | None = None  # what a source number k comes with
    labels: Callable[[Samples, int], Samples] | None = None  # which of the labels there are


def _sparse(split: digits.Split) -> Samples:
    images, labels = split.samples().batch(torch.arange(len(split.labels)))
    return Samples(sparse_features(images), labels)


def _bare(split: digits.Split) -> Samples:
    return Samples(split.images, split.labels, mean=(0.0,), std=(0.25,))


def _scaled(model: nn.Module, number: int) -> None:
    """Make the first layer of every second source larger, and its batch norm with it: the same function."""
    if number % 2 == 0:
        state = model.state_dict()
        state["conv1.weight"].mul_(SCALE)
        state["bn1.running_mean"].mul_(SCALE)
        state["bn1.running_var"].mul_(SCALE**2)


def _half_of_the_classes(samples: Samples, seed: int) -> Samples:
    known = torch.randperm(10, generator=torch.Generator().manual_seed(seed))[:5]
    return samples.subset(torch.isin(samples.labels, known).nonzero().flatten())


def _two_of_a_kind(samples: Samples, seed: int) -> Samples:
    rare = (samples.labels == seed % 10).nonzero().flatten()
    keep = torch.ones(len(samples), dtype=torch.bool)
    keep[rare[1:]] = False  # one in train, one in val
    return samples.subset(keep.nonzero().flatten())


TRAPS = MappingProxyType(
    {
        "batch norm on sparse features": Trap(strength=0.0, network=sparse_head, show=_sparse),
        "20 labels": Trap(strength=2.0, budget=20),
        "labels of five classes": Trap(labels=_half_of_the_classes),
        "a class with two labels": Trap(labels=_two_of_a_kind),
        "sources of another scale": Trap(spoil=_scaled),
        "sources of another normalisation": Trap(seen_by_sources=_bare),
        "layer norm": Trap(network=layer_normed),
        "attention": Trap(network=Attention),
        "frozen batch norm": Trap(network=frozen_normed),
        "no drift": Trap(strength=0.0),
        "much drift": Trap(strength=3.0),
    }
)


@dataclass(frozen=True, slots=True)
class Laid:
    """A trap with its data: sources as they come, labels, and test images that decide nothing."""

    network: Callable[[], nn.Module]
    sources: tuple[nn.Module, ...]
    data: TargetData
    test: Samples


def lay(name: str, *, seed: int) -> Laid:
    """Train a trap's sources, from a common ancestor, and gather its labels."""
    trap = TRAPS[name]
    show = trap.seen_by_sources or trap.show
    with torch.random.fork_rng():
        torch.manual_seed(derive(seed, "base"))
        base = trap.network()
    _learn(base, show(digits.base(strength=trap.strength, seed=seed)), seed=seed)
    sources = []
    for number in range(1, K + 1):
        source = copy.deepcopy(base)
        period = digits.source(number, of=K, strength=trap.strength, seed=seed)
        _learn(source, show(period), seed=derive(seed, "source", number))
        if trap.spoil:
            trap.spoil(source, number)
        sources.append(source)
    splits = digits.target(budget=trap.budget, strength=trap.strength, seed=seed)
    train, val = trap.show(splits.train), trap.show(splits.val)
    if trap.labels:
        train, val = trap.labels(train, seed), trap.labels(val, seed)
    return Laid(trap.network, tuple(sources), TargetData(train, val), trap.show(splits.test))


def _learn(model: nn.Module, samples: Samples, *, seed: int) -> None:
    positions = torch.arange(len(samples))
    held = positions % 5 == 0
    train_source(
        model,
        samples.subset(positions[~held]),
        samples.subset(positions[held]),
        config=replace(TRAINING, seed=seed),
        snapshots=MemorySnapshots(),
    )
