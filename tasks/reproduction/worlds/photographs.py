"""Yearbook, CLEAR-10 or CLEAR-100, from arrays on disk."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from grasp_core.config import AbsorbConfig
from grasp_core.data.augment import photographs
from grasp_core.data.samples import Samples
from grasp_core.data.target import TargetData
from grasp_core.errors import InvalidConfig
from grasp_core.seed import generator
from grasp_core.training.sources import SourceTrainingConfig
from tasks.contracts.base import InputSpec
from tasks.data.layouts import clear, yearbook
from tasks.data.layouts.survey import Survey
from tasks.data.layouts.yearbook import Labels
from tasks.reproduction.study import Study
from tasks.reproduction.worlds.arrays import Arrays
from tasks.reproduction.worlds.world import Recipe, Training

FEWEST = 10  # labels of val


@dataclass(frozen=True, slots=True)
class Photographs:
    """Periods in a folder of arrays; the split is the same for every seed, which draws a budget's labels."""

    made: Arrays
    folder: Path
    budget: int

    @property
    def classes(self) -> tuple[str, ...]:
        """Name the classes."""
        return self.made.classes

    @property
    def spec(self) -> InputSpec:
        """Say what a model sees."""
        return self.made.input

    @property
    def sources(self) -> tuple[str, ...]:
        """Label the source periods."""
        return tuple(self.made.periods)[:-1]

    @property
    def target(self) -> str:
        """Label the target's period."""
        return tuple(self.made.periods)[-1]

    def base(self, *, seed: int) -> None:
        """Give nothing: sources start from ImageNet's weights, or from random ones."""

    def period(self, label: str, *, seed: int) -> Training:
        """Give the images that a period's source is trained on, seen as the paper's augmentation has them."""
        train = self._split(label, "train")
        train.augment = photographs(height=self.spec.height, width=self.spec.width)
        return Training(train, self._split(label, "val"))

    def labelled(self, *, seed: int) -> TargetData:
        """Give the target's labels: all of train and val, or a budget of them. Raises InvalidConfig."""
        train, val = self._split(self.target, "train"), self._split(self.target, "val")
        if not self.budget:
            return TargetData(train, val)
        held = max(FEWEST, self.budget // 4)
        if self.budget - held < 2 or self.budget - held > len(train) or held > len(val):
            raise InvalidConfig(
                f"--budget {self.budget}: means {self.budget - held} to train on and {held} for val; the "
                f"target has {len(train)} and {len(val)}; nothing was started"
            )
        return TargetData(drawn(train, self.budget - held, seed), drawn(val, held, seed))

    def tests(self, *, seed: int) -> tuple[Samples, ...]:
        """Give the test split of every period."""
        return tuple(self._split(label, "test") for label in self.made.periods)

    def recipe(self, study: Study, *, seed: int) -> Recipe:
        """Give the paper's recipe."""
        return paper_recipe(study, seed=seed)

    def _split(self, label: str, split: str) -> Samples:
        """Map one split from disk; only the rows of a batch are read."""
        images = np.load(self.folder / label / f"{split}-images.npy", mmap_mode="r", allow_pickle=False)
        labels = np.load(self.folder / label / f"{split}-labels.npy", allow_pickle=False)
        return Samples(images, labels, mean=self.spec.mean, std=self.spec.std)


def paper_recipe(study: Study, *, seed: int) -> Recipe:
    """Give the paper's recipe. Source: GRASP, arXiv:2606.14900."""
    source = SourceTrainingConfig(
        epochs=study.source_epochs,
        warm_up_epochs=min(2, study.source_epochs - 1),
        lr=study.source_lr,
        seed=seed,
    )
    absorb = AbsorbConfig(lr=study.lr, epochs=study.epochs, initial_epochs=study.epochs, seed=seed)
    return Recipe(base=source, source=source, absorb=absorb)


def survey_of(dataset: Literal["yearbook", "clear10", "clear100"], source: Path, labels: Labels) -> Survey:
    """Find the periods of a data set as its authors lay it out. Raises InvalidData for another layout."""
    if dataset == "yearbook":
        return yearbook.survey(source, labels=labels)
    return clear.survey(source, only=clear.THIRTY if dataset == "clear100" else None)


def drawn(samples: Samples, count: int, seed: int) -> Samples:
    """Draw so many samples, each class as often as its share has it, give or take one."""
    order = torch.randperm(len(samples), generator=generator(seed, "budget"))
    order = order[torch.argsort(samples.labels[order], stable=True)]
    places = torch.linspace(0, len(samples) - 1, count).round().long()
    return samples.subset(order[places].sort().values)
