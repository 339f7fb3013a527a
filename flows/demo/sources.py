"""Train the demo's source models: small networks, each on the real images of its own period."""

import copy
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn

from flows.demo.story import ARCHITECTURE, PERIODS, STRENGTH, Chapter
from grasp_core.data import digits
from grasp_core.data.samples import Samples
from grasp_core.models.snapshots import MemorySnapshots
from grasp_core.training.sources import SourceTrainingConfig, train_source
from tasks.weights.files import new_module, save

LR = 1e-3  # the paper's 3e-4 is for large pretrained networks
ANCESTOR_EPOCHS, SOURCE_EPOCHS = 40, 15


class Trained(NamedTuple):
    """A source's file, and its accuracy on images of its own period that it did not see."""

    chapter: Chapter
    path: Path
    val_accuracy: float


def train_sources(chapters: Iterable[Chapter], directory: Path, *, seed: int) -> list[Trained]:
    """Train one source per chapter, all from one ancestor that saw digits before any drift.

    Writes <year>.safetensors into the directory. Takes a second per source.
    """
    torch.set_num_threads(1)  # more cost time on networks this small
    torch.manual_seed(seed)
    ancestor = new_module(ARCHITECTURE)
    _train(ancestor, digits.base(strength=STRENGTH, seed=seed), epochs=ANCESTOR_EPOCHS, seed=seed)
    directory.mkdir()
    return [_descend(ancestor, chapter, directory, seed=seed) for chapter in chapters]


def _descend(ancestor: nn.Module, chapter: Chapter, directory: Path, *, seed: int) -> Trained:
    module = copy.deepcopy(ancestor)
    split = digits.source(chapter.number, of=PERIODS, strength=STRENGTH, seed=seed)
    accuracy = _train(module, split, epochs=SOURCE_EPOCHS, seed=seed)
    path = directory / f"{chapter.year}.safetensors"
    save(module, path)
    return Trained(chapter, path, accuracy)


def _train(module: nn.Module, split: digits.Split, *, epochs: int, seed: int) -> float:
    """Train on nine tenths, keep the epoch that does best on the last; give its accuracy there."""
    cut = len(split.labels) * 9 // 10
    config = SourceTrainingConfig(epochs=epochs, lr=LR, head_factor=1.0, seed=seed)
    train_part, val_part = _part(split, slice(cut)), _part(split, slice(cut, None))
    return train_source(module, train_part, val_part, config=config, snapshots=MemorySnapshots()).accuracy


def _part(split: digits.Split, rows: slice) -> Samples:
    return Samples(split.images[rows], split.labels[rows], mean=digits.MEAN, std=digits.STD)
