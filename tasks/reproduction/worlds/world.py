"""What a reproduction asks of data that drift over time."""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from grasp_core.config import AbsorbConfig
from grasp_core.data.samples import Samples
from grasp_core.data.target import TargetData
from grasp_core.training.sources import SourceTrainingConfig
from tasks.contracts.base import InputSpec
from tasks.reproduction.study import Study


class Training(NamedTuple):
    """Images to train on, and images to choose the epoch by."""

    train: Samples
    val: Samples


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """How a source is trained, and how a target is fine-tuned, GRASP's and every peer's alike."""

    base: SourceTrainingConfig  # of what all sources start from, where the world has images for it
    source: SourceTrainingConfig
    absorb: AbsorbConfig


class World(Protocol):
    """Source periods in order of time, then the target's; the same images for every peer."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Name the classes, in the order of the labels."""

    @property
    def spec(self) -> InputSpec:
        """Say what a model sees."""

    @property
    def sources(self) -> tuple[str, ...]:
        """Label the source periods."""

    @property
    def target(self) -> str:
        """Label the target's period."""

    def base(self, *, seed: int) -> Training | None:
        """Give what the common start of all sources is trained on; None where it is taken as it comes."""

    def period(self, label: str, *, seed: int) -> Training:
        """Give the images that a period's source is trained on."""

    def labelled(self, *, seed: int) -> TargetData:
        """Give the target's labels."""

    def tests(self, *, seed: int) -> tuple[Samples, ...]:
        """Give the test split of every period, the target's last."""

    def recipe(self, study: Study, *, seed: int) -> Recipe:
        """Give the hyper-parameters of every training."""
