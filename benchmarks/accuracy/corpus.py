"""What the benchmark asks of images: a base, sources and a target that drift over time."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

from benchmarks.accuracy import photos
from grasp_core.data import digits
from grasp_core.data.digits import Split, TargetSplits


class Corpus(Protocol):
    """A module that makes them, each decided by its arguments alone."""

    @property
    def CLASSES(self) -> tuple[str, ...]:  # noqa: N802 - a module's constant
        """Name the classes, in the order of the labels."""

    def base(self, *, strength: float, seed: int) -> Split:
        """Give the images of the common ancestor, at time 0."""

    def source(self, number: int, *, of: int, strength: float, seed: int) -> Split:
        """Give the images of one source, 1 to of."""

    def target(self, *, budget: int, strength: float, seed: int, gate: int = 0) -> TargetSplits:
        """Give the target's images at time 1, budget of them labelled for train and val."""


CORPORA: Mapping[str, Corpus] = MappingProxyType({"digits": digits, "photos": photos})
