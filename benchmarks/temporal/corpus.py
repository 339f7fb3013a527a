"""Emoji as one product drew them from 2016 to 2025: sources are earlier periods, the target is the last.

An identity serves either sources, or target labels, or test, in whatever period; the seed decides which.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from benchmarks.temporal.features import Period, block, periods, ready, tensors
from benchmarks.temporal.trunk import head
from grasp_core.data import emoji
from grasp_core.data.samples import Samples

TEST_SIZE, TARGET_SIZE = 450, 300  # identities; the rest are the sources'
Part = Literal["block", "head", "head-bn"]  # what is trained


@dataclass(frozen=True, slots=True)
class FeatureSplit:
    """Features N x C x H x W that a frozen trunk made of pictures, labels, and ids ("2025-09-1F600")."""

    images: NDArray[np.float32]
    labels: NDArray[np.int64]
    ids: tuple[str, ...]

    def samples(self) -> Samples:
        """Show the split to what is trained."""
        return Samples(torch.from_numpy(self.images), self.labels)


@dataclass(frozen=True, slots=True)
class FeatureSplits:
    """The target's, of the last period; empty gate where none was asked for."""

    train: FeatureSplit
    val: FeatureSplit
    gate: FeatureSplit
    test: FeatureSplit


@dataclass(frozen=True, slots=True)
class Emoji:
    """The data as the trained part sees them. A strength of drift there is not: it is as it was."""

    part: Part

    @property
    def CLASSES(self) -> tuple[str, ...]:  # noqa: N802 - as the other corpora have it
        """Name the classes, in the order of the labels."""
        return emoji.CLASSES

    def network(self) -> nn.Module:
        """Make the trained part: pretrained but for the classifier, which is torch's random numbers'."""
        if self.part == "block":
            return block(tensors(ready()))
        return head(norm=self.part == "head-bn")

    def base(self, *, strength: float, seed: int) -> None:
        """Give nothing: what all sources descend from comes pretrained."""

    def source(self, number: int, *, of: int, strength: float, seed: int) -> FeatureSplit:
        """Give the pictures of period number 1 to of, of the identities that the seed leaves to sources."""
        *earlier, _ = periods(ready())
        if not 1 <= number <= of <= len(earlier):
            raise ValueError(f"emoji: source {number} of {of}, needs 1 to {len(earlier)}")
        return self._split(earlier[number - 1], shares(seed)[2])

    def target(self, *, budget: int, strength: float, seed: int, gate: int = 0) -> FeatureSplits:
        """Give the last period's: budget labels, a quarter of them (10 at least) for val, 450 for test."""
        if budget + gate > TARGET_SIZE:
            raise ValueError(f"emoji: budget {budget} with gate {gate}, needs {TARGET_SIZE} at most")
        test, spare, _ = shares(seed)
        val = max(10, budget // 4)
        train, held, gated, _ = np.split(spare, np.cumsum([budget - val, val, gate]))
        latest = periods(ready())[-1]
        return FeatureSplits(
            train=self._split(latest, train),
            val=self._split(latest, held),
            gate=self._split(latest, gated),
            test=self._split(latest, test),
        )

    def _split(self, period: Period, identities: NDArray[np.str_]) -> FeatureSplit:
        place = {name: row for row, name in enumerate(period.identities)}
        rows = [place[name] for name in identities.tolist() if name in place]
        made = period.block if self.part == "block" else period.pooled
        seen = torch.from_numpy(made[rows]).float().numpy()
        names = tuple(f"{period.label}-{period.identities[row]}" for row in rows)
        return FeatureSplit(seen, period.labels[rows], names)


def shares(seed: int) -> list[NDArray[np.str_]]:
    """Deal the last period's identities out: test, target, sources."""
    identities = np.array(sorted(periods(ready())[-1].identities))
    order = np.random.default_rng(seed).permutation(identities)
    return np.split(order, np.cumsum([TEST_SIZE, TARGET_SIZE]))
