"""Sources of a world, trained once per seed and kept on disk for all peers, orders and budgets."""

import copy
import shutil
import tempfile
from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch import nn

from benchmarks.accuracy.corpus import CORPORA, NETWORKS, Period
from benchmarks.accuracy.settings import FOLLOWING, World
from benchmarks.temporal.corpus import FeatureSplit
from grasp_core.data.digits import Split
from grasp_core.models.snapshots import DiskSnapshots, MemorySnapshots
from grasp_core.peers.peer import Load
from grasp_core.seed import conditions, derive
from grasp_core.training.sources import SourceTrainingConfig, train_source

BASE_TRAINING = SourceTrainingConfig(epochs=40, lr=1e-3, head_factor=1.0)
SOURCE_TRAINING = replace(BASE_TRAINING, epochs=25)
PRETRAINED_TRAINING = SourceTrainingConfig()  # the paper's, for a network that comes pretrained
KNOWN = 4  # classes that a source of a partial world has seen
BASE = "base"  # snapshot of the network that all sources were trained from
VALIDATION = 5  # one of so many images chooses the epoch
P = TypeVar("P", bound=Period)


def network(world: World, *, seed: int) -> nn.Module:
    """Build the world's network, untrained, or as it comes pretrained; the seed decides its other weights."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return NETWORKS[world.corpus]()


def sources(world: World, *, seed: int, cache: Path) -> list[Load]:
    """Give one loader per source, in the order of their periods; train those that the cache lacks."""
    kept = _trained(world, seed=seed, cache=cache)
    return [_loader(world, kept, f"source-{number}") for number in range(1, world.k + 1)]


def ancestor(world: World, *, seed: int, cache: Path) -> Load | None:
    """Give a loader of the network that all sources were trained from; None where there is none."""
    if world.sources == "independent":
        return None
    return _loader(world, _trained(world, seed=seed, cache=cache), BASE)


def _trained(world: World, *, seed: int, cache: Path) -> DiskSnapshots:
    training = (BASE_TRAINING, training_of(world), "with base")
    key = sha256(repr((asdict(world), seed, training, conditions())).encode())
    directory = cache / key.hexdigest()[:16]
    numbers = () if world.sources in FOLLOWING else range(1, world.k + 1)
    names = [f"source-{number}" for number in numbers]
    if not directory.exists():
        cache.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=cache))
        _train(world, names, seed=seed, kept=DiskSnapshots(draft))
        try:
            draft.rename(directory)
        except OSError:  # another worker was faster, with the same bytes
            shutil.rmtree(draft)
    return DiskSnapshots(directory)


def _loader(world: World, kept: DiskSnapshots, name: str) -> Load:
    def load() -> nn.Module:
        model = network(world, seed=0)
        kept.load_into(name, model)
        return model

    return load


def _train(world: World, names: list[str], *, seed: int, kept: DiskSnapshots) -> None:
    corpus = CORPORA[world.corpus]
    base = network(world, seed=derive(seed, "base"))
    if world.sources != "independent":
        start = corpus.base(strength=world.strength, seed=seed)
        if start is not None:
            learn(base, start, BASE_TRAINING, seed=seed)
        kept.save(BASE, base)
    wrong = int(np.random.default_rng(seed).integers(1, world.k + 1)) if world.sources == "corrupted" else 0
    for number, name in enumerate(names, start=1):
        period = corpus.source(number, of=world.k, strength=world.strength, seed=seed)
        training, model = training_of(world), copy.deepcopy(base)
        if world.sources == "independent":
            training, model = BASE_TRAINING, network(world, seed=derive(seed, "base", number))
        if number == wrong:
            period = mislabelled(period, seed=seed)
        if world.sources == "partial":
            period = some_classes(period, len(corpus.CLASSES), seed=derive(seed, "classes", number))
        learn(model, period, training, seed=derive(seed, "source", number))
        kept.save(name, model)
        if world.sources == "chained":
            base = model


def training_of(world: World) -> SourceTrainingConfig:
    """Say how a source is trained: by the paper's recipe where its network comes pretrained."""
    pretrained = CORPORA[world.corpus].base(strength=world.strength, seed=0) is None
    return PRETRAINED_TRAINING if pretrained else SOURCE_TRAINING


def learn(model: nn.Module, period: Period, training: SourceTrainingConfig, *, seed: int) -> None:
    """Train a model on a period's images, every fifth of which chooses the epoch."""
    samples, positions = period.samples(), torch.arange(len(period.labels))
    held = positions % VALIDATION == 0
    train_source(
        model,
        samples.subset(positions[~held]),
        samples.subset(positions[held]),
        config=replace(training, seed=seed),
        snapshots=MemorySnapshots(),
    )


def mislabelled(period: P, *, seed: int) -> P:
    """Deal the labels out to other images at random."""
    order = np.random.default_rng(seed).permutation(len(period.labels))
    return replace(period, labels=period.labels[order])


def some_classes(period: Period, classes: int, *, seed: int) -> Period:
    """Leave only the images of KNOWN classes, drawn at random."""
    known = np.isin(period.labels, np.random.default_rng(seed).choice(classes, KNOWN, replace=False))
    ids = tuple(name for name, keep in zip(period.ids, known, strict=True) if keep)
    if isinstance(period, Split):
        return Split(period.images[known], period.labels[known], ids)
    return FeatureSplit(period.images[known], period.labels[known], ids)
