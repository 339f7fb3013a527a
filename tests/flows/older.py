"""Run with the code of an older version: make a target, publish, absorb. `older.py TARGET YEAR…`"""

import sys
import tempfile
from datetime import date
from pathlib import Path

import numpy as np
import torch

from flows.absorb import absorb
from grasp_core.data import digits
from grasp_core.models.architectures import build
from tasks.bucket.store import Store
from tasks.contracts.base import Architecture, InputSpec, Period
from tasks.contracts.manifest import Manifest
from tasks.contracts.target import AbsorbSettings, GateSettings, Target
from tasks.data.datasets import SplitArrays, publish_dataset
from tasks.journal.targets import create_target, target_names
from tasks.publishing.publish import publish, weights_of
from tasks.settings import StoreSettings, load_settings
from tasks.weights.files import save

ARCHITECTURE = Architecture(id="grasp/digits-cnn", in_channels=1, num_classes=10)
INPUT = InputSpec(height=8, width=8, channels=1, mean=(0.5,), std=(0.5,))


def main(name: str, years: list[int]) -> None:
    """Absorb a source of each year into the target."""
    torch.set_num_threads(1)
    store = Store.from_settings(load_settings(StoreSettings))
    if name not in target_names(store):
        _create(store, name)
    for year in years:
        _publish(store, name, year)
        absorb(name)


def _create(store: Store, name: str) -> None:
    made = digits.target(budget=60, strength=1.0, seed=0, gate=100)
    splits = {
        each: SplitArrays(
            images=np.ascontiguousarray(getattr(made, each).images),
            labels=getattr(made, each).labels,
            ids=getattr(made, each).ids,
        )
        for each in ("train", "val", "gate", "test")
    }
    target = Target(
        name=name,
        series=(name,),
        architecture=ARCHITECTURE,
        classes=digits.CLASSES,
        input=INPUT,
        dataset=publish_dataset(store, name, classes=digits.CLASSES, input=INPUT, splits=splits),
        absorb=AbsorbSettings(mode="reference", lr=1e-3, epochs=1, initial_epochs=1),
        gate=GateSettings(policy="always"),
    )
    create_target(store, target)


def _publish(store: Store, name: str, year: int) -> None:
    torch.manual_seed(year)
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "weights.safetensors"
        save(build(ARCHITECTURE.id, in_channels=1, num_classes=10), path)
        manifest = Manifest(
            series=name,
            rev=1,
            period=Period(label=str(year), start=date(year, 1, 1), end=date(year, 12, 31)),
            architecture=ARCHITECTURE,
            classes=digits.CLASSES,
            input=INPUT,
            weights=weights_of(path),
        )
        publish(store, path, manifest=manifest)


if __name__ == "__main__":
    main(sys.argv[1], [int(year) for year in sys.argv[2:]])
