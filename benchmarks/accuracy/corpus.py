"""What the benchmark asks of images: a base, sources and a target that drift over time, and a network."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Protocol, TypeAlias

from torch import nn

from benchmarks.accuracy import photos
from benchmarks.temporal.corpus import Emoji, FeatureSplit, FeatureSplits
from grasp_core.data import digits
from grasp_core.data.digits import Split, TargetSplits
from grasp_core.models.architectures import build

Period: TypeAlias = Split | FeatureSplit
Target: TypeAlias = TargetSplits | FeatureSplits


class Corpus(Protocol):
    """What makes them, each decided by its arguments alone."""

    @property
    def CLASSES(self) -> tuple[str, ...]:  # noqa: N802 - a module's constant
        """Name the classes, in the order of the labels."""

    def base(self, *, strength: float, seed: int) -> Period | None:
        """Give the images of the common ancestor, at time 0; None where the network comes pretrained."""

    def source(self, number: int, *, of: int, strength: float, seed: int) -> Period:
        """Give the images of one source, 1 to of."""

    def target(self, *, budget: int, strength: float, seed: int, gate: int = 0) -> Target:
        """Give the target's images at time 1, budget of them labelled for train and val."""


BLOCK, HEAD, HEAD_BN = Emoji("block"), Emoji("head"), Emoji("head-bn")
CORPORA: Mapping[str, Corpus] = MappingProxyType(
    {"digits": digits, "photos": photos, "emoji-block": BLOCK, "emoji-head": HEAD, "emoji-head-bn": HEAD_BN}
)
NETWORKS: Mapping[str, Callable[[], nn.Module]] = MappingProxyType(
    {
        "digits": lambda: build("grasp/digits-cnn", in_channels=1, num_classes=len(digits.CLASSES)),
        "photos": lambda: build("grasp/digits-cnn", in_channels=3, num_classes=len(photos.CLASSES)),
        "emoji-block": BLOCK.network,
        "emoji-head": HEAD.network,
        "emoji-head-bn": HEAD_BN.network,
    }
)
