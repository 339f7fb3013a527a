"""An absorb to measure with: a target, a unit, a candidate that took no training, a decision."""

import datetime
import tempfile
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from tasks.arrivals.unit import Unit
from tasks.candidates.absorb import absorb_source
from tasks.candidates.candidate import Candidate
from tasks.contracts.base import Architecture, InputSpec, Period
from tasks.contracts.dataset import Dataset, File, Split, Splits
from tasks.contracts.journal import Decided, Digests, Reason, SourceRef
from tasks.contracts.target import AbsorbSettings, GateSettings, Target
from tasks.data.datasets import SPLITS, LoadedDataset, SplitArrays
from tasks.weights.files import new_module, save

SAMPLES = 10  # of each split: as few as there are classes
_NETWORKS = {
    "digits-cnn": (Architecture(id="grasp/digits-cnn", in_channels=1, num_classes=10), 8),
    "resnet50": (Architecture(id="torchvision/resnet50", in_channels=3, num_classes=10), 64),
}


def a_target(network: str, *, dataset: str = f"datasets/example/{'d' * 64}/dataset.json") -> Target:
    """Describe a target of this network that trains as little as possible."""
    architecture, side = _NETWORKS[network]
    channels = architecture.in_channels
    return Target(
        name=f"bench-{network}",
        series=("example",),
        architecture=architecture,
        classes=tuple("0123456789"),
        input=InputSpec(
            height=side, width=side, channels=channels, mean=(0.5,) * channels, std=(0.5,) * channels
        ),
        dataset=dataset,
        absorb=AbsorbSettings(folds=1, epochs=1, initial_epochs=1),
        gate=GateSettings(policy="always"),
    )


def a_unit(target: Target, *, index: int) -> Unit:
    """Describe the absorb of one source."""
    return Unit(
        target=target.name,
        lineage="main",
        index=index,
        arrival_id=f"{index:064x}",
        manifest_key="manifests/example/2014/1.json",
        source=SourceRef(series="example", period=a_period(2014), rev=1, weights_sha256="b" * 64),
        parent_version=None,
        digests=Digests(config="c" * 64, data="d" * 64, code="0.1.0"),
        seed=0,
    )


def a_period(year: int) -> Period:
    """Give the period of a year."""
    return Period(label=str(year), start=datetime.date(year, 1, 1), end=datetime.date(year, 12, 31))


@lru_cache(maxsize=1)
def a_candidate() -> Candidate:
    """Absorb one first source of the small network; its files stay until the process ends."""
    target, directory = a_target("digits-cnn"), Path(tempfile.mkdtemp())
    torch.manual_seed(0)
    save(new_module(target.architecture), directory / "source")
    (directory / "work").mkdir()
    return absorb_source(
        target,
        data_of(target),
        source=directory / "source",
        parent=None,
        directory=directory / "work",
        device=torch.device("cpu"),
        on_epoch=lambda epoch: None,
    )


def a_decision(unit: Unit, version: int) -> Decided:
    """Decide that a version is promoted; 0 for one that has no number yet."""
    return Decided(
        seq=1,
        at=datetime.datetime.now(datetime.UTC),
        by="a benchmark",
        arrival_id=unit.arrival_id,
        decision="promoted",
        reason_code="always",
        reason=Reason(object=unit.manifest_key, found="0.9", needed="nothing", next="it is served"),
        registry_version=version or None,
    )


def splits_of(target: Target) -> dict[str, SplitArrays]:
    """Make noise with labels, of the target's size."""
    size, noise = target.input, np.random.default_rng(0)
    return {
        name: SplitArrays(
            images=noise.integers(0, 256, (SAMPLES, size.height, size.width, size.channels), dtype=np.uint8),
            labels=np.arange(SAMPLES, dtype=np.int64) % len(target.classes),
            ids=tuple(f"{name}-{i}" for i in range(SAMPLES)),
        )
        for name in SPLITS
    }


def data_of(target: Target) -> LoadedDataset:
    """Give the noise as an absorb takes it."""
    described = {name: _described(name) for name in SPLITS}
    document = Dataset(name="example", classes=target.classes, input=target.input, splits=Splits(**described))
    return LoadedDataset(document=document, digest="d" * 64, splits=splits_of(target))


def _described(split: str) -> Split:
    parts = ("images", "labels", "ids")
    files = {part: File(file=f"{split}-{part}", sha256="0" * 64, size_bytes=1) for part in parts}
    return Split(samples=SAMPLES, **files)
