"""The offline world: handwritten digits that drift over four periods and a target's."""

from dataclasses import dataclass, replace

import numpy as np
import torch

from grasp_core.config import AbsorbConfig
from grasp_core.data import digits
from grasp_core.data.digits import Split
from grasp_core.data.samples import Samples
from grasp_core.data.target import TargetData
from grasp_core.training.sources import SourceTrainingConfig
from tasks.contracts.base import InputSpec
from tasks.reproduction.study import Study
from tasks.reproduction.worlds.world import Recipe, Training

K = 4
STRENGTH = 1.0  # of the drift
SPEC = InputSpec(height=8, width=8, channels=1, mean=digits.MEAN, std=digits.STD)
VALIDATION = 5  # one of so many images of a source chooses the epoch
BASE_FACTOR = 1.6  # the base is trained for so many times the epochs of a source


@dataclass(frozen=True, slots=True)
class Digits:
    """Four sources and a target of the digits benchmark; the seed deals out the target's images."""

    budget: int
    classes: tuple[str, ...] = digits.CLASSES
    spec: InputSpec = SPEC
    sources: tuple[str, ...] = tuple(f"time-{number}-of-{K + 1}" for number in range(1, K + 1))
    target: str = f"time-{K + 1}-of-{K + 1}"

    def base(self, *, seed: int) -> Training:
        """Give the 300 digits without drift that stand in for a pretraining."""
        return _fifths(digits.base(strength=STRENGTH, seed=seed))

    def period(self, label: str, *, seed: int) -> Training:
        """Give the 225 digits of a source."""
        number = self.sources.index(label) + 1
        return _fifths(digits.source(number, of=K, strength=STRENGTH, seed=seed))

    def labelled(self, *, seed: int) -> TargetData:
        """Give the target's labels, a quarter of them for val."""
        splits = digits.target(budget=self.budget, strength=STRENGTH, seed=seed)
        return TargetData(splits.train.samples(), splits.val.samples())

    def tests(self, *, seed: int) -> tuple[Samples, ...]:
        """Give the target's 347 test digits as they look in every period: no source was trained on them."""
        last = digits.target(budget=self.budget, strength=STRENGTH, seed=seed).test
        positions = np.array([int(name.removeprefix("digits-")) for name in last.ids])
        earlier = (
            digits.split(positions, tau=number / (K + 1), strength=STRENGTH, seed=seed * 1000 + 800 + number)
            for number in range(1, K + 1)
        )
        return (*(split.samples() for split in earlier), last.samples())

    def recipe(self, study: Study, *, seed: int) -> Recipe:
        """Give the benchmark's recipe: networks this small learn faster than photographs', head as body."""
        source = SourceTrainingConfig(
            epochs=study.source_epochs,
            warm_up_epochs=min(2, study.source_epochs - 1),
            lr=study.source_lr,
            head_factor=1.0,
            seed=seed,
        )
        absorb = AbsorbConfig(lr=study.lr, epochs=study.epochs, initial_epochs=study.epochs, seed=seed)
        base = replace(source, epochs=round(BASE_FACTOR * study.source_epochs))
        return Recipe(base=base, source=source, absorb=absorb)


def _fifths(split: Split) -> Training:
    samples, positions = split.samples(), torch.arange(len(split.labels))
    held = positions % VALIDATION == 0
    return Training(samples.subset(positions[~held]), samples.subset(positions[held]))
