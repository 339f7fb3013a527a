"""Networks of one seed: the start that all sources share, and one source per period; trained once, kept."""

import time
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from grasp_core.errors import PretrainedUnavailable
from grasp_core.models.architectures import build
from grasp_core.models.evaluate import evaluate
from grasp_core.models.pretrained import build_pretrained
from grasp_core.models.snapshots import DiskSnapshots
from grasp_core.progress import Progress
from grasp_core.seed import derive, seeded
from grasp_core.training.sources import SourceTrainingConfig, train_source
from tasks.private import private_directory
from tasks.reproduction.place import Place
from tasks.reproduction.study import Start, Study
from tasks.reproduction.telling import Say
from tasks.reproduction.worlds.world import Training, World
from tasks.studies.cell import Row
from tasks.studies.measure import TEST_BATCH

UNTRAINED, BASE = "untrained", "base"  # beside the periods, whose labels are none of these


@dataclass(frozen=True, kw_only=True, slots=True)
class Trained:
    """One network that is kept. start: the weights of untrained, pretrained or random.

    val_accuracy: of the epoch kept; None of untrained. accuracies: on the test split of every period.
    """

    setting: str
    seed: int
    period: str
    start: str
    val_accuracy: float | None
    accuracies: Row
    wall_s: float


def names_of(world: World) -> tuple[str, ...]:
    """Name a seed's networks in the order in which they are made."""
    return (UNTRAINED, *((BASE,) if world.base(seed=0) is not None else ()), *world.sources)


@dataclass(frozen=True, kw_only=True, slots=True)
class Networks:
    """The networks of one architecture and seed."""

    study: Study
    world: World
    place: Place
    architecture: str
    seed: int
    device: torch.device

    def load(self, name: str) -> nn.Module:
        """Give a fresh module with the weights kept under the name."""
        module = self._blank()
        DiskSnapshots(self._folder).load_into(name, module)
        return module.to(self.device)

    def ancestor(self) -> nn.Module:
        """Give what all sources were trained from."""
        return self.load(BASE if self.world.base(seed=self.seed) is not None else UNTRAINED)

    def begin(self, wanted: Start, say: Say) -> Trained:
        """Make and keep the untrained network. Raises PretrainedUnavailable when it has to be pretrained."""
        at = time.monotonic()
        with seeded(derive(self.seed, "untrained"), device=torch.device("cpu")):
            module, start = self._started(wanted, say)
        self._keep(UNTRAINED, module)
        return self._account(UNTRAINED, module.to(self.device), at, start=start, val_accuracy=None)

    def train(self, name: str, progress: Progress) -> Trained:
        """Train and keep the base or a period's source."""
        at, recipe = time.monotonic(), self.world.recipe(self.study, seed=self.seed)
        base = self.world.base(seed=self.seed)
        if name == BASE and base is not None:
            images, config, module = base, recipe.base, self.load(UNTRAINED)
        else:
            images, config, module = self.world.period(name, seed=self.seed), recipe.source, self.ancestor()
        accuracy = self._trained(module, images, config, name=name, progress=progress)
        self._keep(name, module)
        return self._account(name, module, at, start="", val_accuracy=accuracy)

    def _trained(
        self,
        module: nn.Module,
        images: Training,
        config: SourceTrainingConfig,
        *,
        name: str,
        progress: Progress,
    ) -> float:
        own = replace(config, seed=derive(self.seed, "source", name))
        with private_directory(self.place.scratch) as scratch:
            metrics = train_source(
                module,
                images.train,
                images.val,
                config=own,
                snapshots=DiskSnapshots(scratch),
                progress=progress,
            )
        return metrics.accuracy

    def _started(self, wanted: Start, say: Say) -> tuple[nn.Module, str]:
        spec, classes = self.world.spec, len(self.world.classes)
        family = self.architecture.partition("/")[0]
        if wanted != "random" and family != "grasp":
            try:
                module = build_pretrained(self.architecture, in_channels=spec.channels, num_classes=classes)
            except PretrainedUnavailable as error:
                if wanted == "pretrained":
                    raise
                say(f"{error}; sources start from random weights instead, the paper's from ImageNet's")
            else:
                return module, "pretrained"
        return self._blank(), "random"

    def _blank(self) -> nn.Module:
        channels, classes = self.world.spec.channels, len(self.world.classes)
        with torch.random.fork_rng(devices=[]):
            return build(self.architecture, in_channels=channels, num_classes=classes)

    @property
    def _folder(self) -> Path:
        return self.place.weights(self.architecture, self.seed)

    def _keep(self, name: str, module: nn.Module) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        DiskSnapshots(self._folder).save(name, module)

    def _account(
        self, name: str, module: nn.Module, at: float, *, start: str, val_accuracy: float | None
    ) -> Trained:
        wall_s = time.monotonic() - at
        tests = self.world.tests(seed=self.seed)
        return Trained(
            setting=self.architecture,
            seed=self.seed,
            period=name,
            start=start,
            val_accuracy=val_accuracy,
            accuracies=tuple(round(evaluate(module, test.batches(TEST_BATCH)).accuracy, 6) for test in tests),
            wall_s=round(wall_s, 3),
        )
