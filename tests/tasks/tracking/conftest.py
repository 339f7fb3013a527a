"""Real absorbs of small networks, to be logged to a real MLflow server."""

import datetime
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from mlflow import MlflowClient
from sklearn.datasets import load_digits

from tasks.arrivals.unit import Unit
from tasks.candidates.absorb import absorb_source
from tasks.candidates.candidate import Candidate
from tasks.contracts.base import Architecture, InputSpec, Period
from tasks.contracts.dataset import Dataset, File, Split, Splits
from tasks.contracts.journal import Decided, Digests, Reason, SourceRef
from tasks.contracts.target import AbsorbSettings, Target
from tasks.data.datasets import SPLITS, LoadedDataset, SplitArrays
from tasks.tracking.api import connect
from tasks.weights.files import new_module, save

DIGITS = Architecture(id="grasp/digits-cnn", in_channels=1, num_classes=10)
SIZE = InputSpec(height=8, width=8, channels=1, mean=(0.5,), std=(0.5,))
CLASSES = tuple("0123456789")


@pytest.fixture
def client(mlflow_server, monkeypatch: pytest.MonkeyPatch) -> MlflowClient:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    monkeypatch.setenv("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    return connect(mlflow_server.uri)


@pytest.fixture
def target() -> Target:
    """A target of a name that no other test has."""
    return a_target(f"t-{uuid.uuid4().hex[:12]}")


@pytest.fixture
def unit(target: Target) -> Unit:
    return Unit(
        target=target.name,
        lineage="main",
        index=7,
        arrival_id="a" * 64,
        manifest_key="manifests/digits/2014-q3/1.json",
        source=SourceRef(
            series="digits",
            period=Period(label="2014-q3", start=datetime.date(2014, 7, 1), end=datetime.date(2014, 9, 30)),
            rev=1,
            weights_sha256="b" * 64,
        ),
        parent_version=None,
        digests=Digests(config="c" * 64, data="d" * 64, code="0.1.0"),
        seed=0,
    )


@pytest.fixture(scope="session")
def make_candidate(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Candidate]:
    """Absorb a fresh first source, another one for every seed."""
    torch.set_num_threads(1)

    def make(seed: int) -> Candidate:
        directory = tmp_path_factory.mktemp("candidate")
        torch.manual_seed(seed)
        save(new_module(DIGITS), directory / "source")
        (directory / "work").mkdir()
        return absorb_source(
            a_target("t"),
            digits(),
            source=directory / "source",
            parent=None,
            directory=directory / "work",
            device=torch.device("cpu"),
            on_epoch=lambda epoch: None,
        )

    return make


@pytest.fixture(scope="session")
def candidate(make_candidate: Callable[[int], Candidate]) -> Candidate:
    """A candidate of a first source; its files stay for the session."""
    return make_candidate(0)


@pytest.fixture(scope="session")
def unchanged(candidate: Candidate) -> Candidate:
    """What an absorb makes that left the stem as it was."""
    absorbed = replace(candidate.absorbed, choice="unchanged", alpha=0.0, scores={"conv1.weight": 0.5})
    return replace(
        candidate,
        absorbed=absorbed,
        before=candidate.after_fine_tune,
        after_fine_tune=None,
        files=None,
    )


@pytest.fixture
def decided(unit: Unit) -> Decided:
    return Decided(
        seq=3,
        at=datetime.datetime.now(datetime.UTC),
        by="a test",
        arrival_id=unit.arrival_id,
        decision="promoted",
        reason_code="first",
        reason=Reason(object="digits 2014-q3", found="no champion", needed="nothing", next="it is served"),
        registry_version=1,
    )


def a_target(name: str) -> Target:
    return Target(
        name=name,
        series=("digits",),
        architecture=DIGITS,
        classes=CLASSES,
        input=SIZE,
        dataset=f"datasets/digits-now/{'d' * 64}/dataset.json",
        absorb=AbsorbSettings(folds=1, epochs=1, initial_epochs=1, lr=1e-3),
    )


def digits() -> LoadedDataset:
    images, labels = load_digits(return_X_y=True)
    pixels = np.round(images / 16 * 255).astype(np.uint8).reshape(-1, 8, 8, 1)
    splits = {
        name: SplitArrays(
            images=pixels[40 * n : 40 * (n + 1)],
            labels=labels[40 * n : 40 * (n + 1)].astype(np.int64),
            ids=tuple(f"{name}-{i}" for i in range(40)),
        )
        for n, name in enumerate(SPLITS)
    }
    described = {name: _described(name) for name in SPLITS}
    document = Dataset(name="digits-now", classes=CLASSES, input=SIZE, splits=Splits(**described))
    return LoadedDataset(document=document, digest="d" * 64, splits=splits)


def _described(name: str) -> Split:
    parts = ("images", "labels", "ids")
    files = {part: File(file=f"{name}-{part}", sha256="0" * 64, size_bytes=1) for part in parts}
    return Split(samples=40, **files)


@pytest.fixture
def downloads(tmp_path: Path) -> Path:
    """A private directory to download into."""
    directory = tmp_path / "downloads"
    directory.mkdir()
    return directory
