"""A whole small world: bucket, MLflow, Prefect, a target of digits, and sources that are quick to make."""

import uuid
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import torch

from grasp_core.data import digits
from grasp_core.models.architectures import build
from grasp_core.models.snapshots import MemorySnapshots
from grasp_core.training.sources import SourceTrainingConfig, train_source
from tasks.bucket.store import Store
from tasks.contracts import keys
from tasks.contracts.base import Architecture, InputSpec, Period
from tasks.contracts.journal import Decided
from tasks.contracts.manifest import Manifest
from tasks.contracts.target import AbsorbSettings, GateSettings, Target
from tasks.data.datasets import SplitArrays, publish_dataset
from tasks.identity import signed
from tasks.journal.log import Journal
from tasks.journal.targets import create_target
from tasks.publishing.publish import Published, publish, weights_of
from tasks.weights.files import save
from tests.flows.demo.demo_runs import DemoRun, started_demo
from tests.packaging.fixtures import Installed

ARCHITECTURE = Architecture(id="grasp/digits-cnn", in_channels=1, num_classes=10)
INPUT = InputSpec(height=8, width=8, channels=1, mean=(0.5,), std=(0.5,))


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory, full: Installed) -> DemoRun:
    """One whole `grasp demo` of the installed wheel, for all tests that look at what it did."""
    root = tmp_path_factory.mktemp("demo")
    directory, output = root / "demo", root / "output"
    with started_demo(directory, output, grasp=full.grasp) as process:
        exit_code = process.wait()
    return DemoRun(directory, output, exit_code)


@pytest.fixture(scope="session")
def source_files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Weights of four periods of drifting digits; the last is plainly better than the first."""
    torch.set_num_threads(1)
    directory, files = tmp_path_factory.mktemp("sources"), []
    for number in range(1, 5):
        split = digits.source(number, of=4, strength=1.0, seed=number)
        torch.manual_seed(number)
        model = build(ARCHITECTURE.id, in_channels=1, num_classes=10)
        samples = split.samples()
        config = SourceTrainingConfig(epochs=12 if number == 4 else 6, seed=number)
        train_source(model, samples, samples, config=config, snapshots=MemorySnapshots())
        save(model, directory / f"{number}.safetensors")
        files.append(directory / f"{number}.safetensors")
    return files


@dataclass
class World:
    """A target in a bucket, and how to publish into it."""

    store: Store
    target: Target
    files: list[Path]
    cache_dir: Path

    @property
    def journal(self) -> Journal:
        return Journal(self.store, self.target.name, by=signed("test"))

    def decided(self) -> list[Decided]:
        """Every decision, in order."""
        return [entry for entry in self.journal.entries() if isinstance(entry, Decided)]

    def replace_target(self, **changes: object) -> None:
        """Write target.json anew, as a person would."""
        self.target = self.target.model_copy(update=changes)
        body = self.target.model_dump_json(by_alias=True, exclude_none=True).encode()
        self.store.put(keys.target_key(self.target.name), body)

    def publish(self, number: int, *, year: int, rev: int = 1, series: str = "digits") -> Published:
        return publish(self.store, self.files[number - 1], manifest=self.manifest(number, year, rev, series))

    def manifest(self, number: int, year: int, rev: int = 1, series: str = "digits") -> Manifest:
        return Manifest(
            series=series,
            rev=rev,
            period=Period(label=str(year), start=date(year, 1, 1), end=date(year, 12, 31)),
            architecture=ARCHITECTURE,
            classes=digits.CLASSES,
            input=INPUT,
            weights=weights_of(self.files[number - 1]),
        )


@pytest.fixture
def store(moto, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A fresh bucket, which the settings in the environment name."""
    store = moto.store()
    monkeypatch.setenv("GRASP_BUCKET", store.bucket)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", moto.endpoint_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", moto.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", moto.secret_access_key)
    return store


@pytest.fixture
def world(
    store: Store, mlflow_server, prefect_api, source_files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> World:
    """A fresh bucket with a target that absorbs quickly."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_server.uri)
    monkeypatch.setenv("GRASP_CACHE_DIR", str(tmp_path / "cache"))
    target = Target(
        name=f"digits-{uuid.uuid4().hex[:8]}",
        series=("digits",),
        architecture=ARCHITECTURE,
        classes=digits.CLASSES,
        input=INPUT,
        dataset=_dataset(store),
        absorb=AbsorbSettings(lr=1e-3, epochs=5, initial_epochs=5, folds=2),
        gate=GateSettings(policy="always"),
    )
    create_target(store, target)
    return World(store, target, source_files, tmp_path / "cache")


def _dataset(store: Store, *, seed: int = 0) -> str:
    splits = digits.target(budget=60, strength=1.0, seed=seed, gate=100)
    arrays = {
        name: SplitArrays(
            images=np.ascontiguousarray(getattr(splits, name).images),
            labels=getattr(splits, name).labels,
            ids=getattr(splits, name).ids,
        )
        for name in ("train", "val", "gate", "test")
    }
    return publish_dataset(store, "digits-now", classes=digits.CLASSES, input=INPUT, splits=arrays)
