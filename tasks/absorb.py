"""Absorb one source on this worker: load, run the core, measure on the splits that the core never sees."""

import resource
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import nn

from grasp_core.absorb import absorb, begin
from grasp_core.absorbed import Absorbed
from grasp_core.data.samples import Samples
from grasp_core.data.target import TargetData
from grasp_core.evaluate import Metrics, evaluate, predict
from grasp_core.progress import Epoch, Step
from grasp_core.snapshots import STEM
from tasks.contracts.target import Target
from tasks.datasets import LoadedDataset
from tasks.errors import InvalidSettings
from tasks.gate import Correct
from tasks.licensing import stated_license
from tasks.snapshots import FileSnapshots
from tasks.weights import load_into, load_module, load_source, save

EVALUATION_BATCH = 256


@dataclass(frozen=True, kw_only=True, slots=True)
class Parent:
    """The files of the version that an absorb builds on; stem is None where the served model is the stem."""

    registry_version: int
    served: Path
    stem: Path | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """A model on the splits that decide and report. correct: one bool per gate sample."""

    gate: Metrics
    test: Metrics
    correct: Correct


@dataclass(frozen=True, kw_only=True, slots=True)
class Files:
    """A candidate's files; no stem where the served model is its own stem (reference mode)."""

    served: Path
    served_sha256: str
    stem: Path | None = None
    stem_sha256: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """What an absorb made. files and after_fine_tune are None when the stem stayed unchanged."""

    absorbed: Absorbed
    before: Measured | None
    after_transfer: Measured
    after_fine_tune: Measured | None = None
    files: Files | None = None
    license: str | None = None  # as the source's file states it
    seconds: dict[str, float] = field(default_factory=dict)
    peak_bytes: dict[str, int] = field(default_factory=dict)


class Steps:
    """Times the core's steps, and measures the target between transfer and fine-tune.

    on_epoch hears every epoch and may raise to stop the absorb.
    """

    def __init__(self, measure_target: Callable[[], Measured], on_epoch: Callable[[Epoch], None]) -> None:
        self._measure_target, self._on_epoch = measure_target, on_epoch
        self._name = "start"
        self._began_s = time.monotonic()
        self.after_transfer: Measured | None = None
        self.seconds: dict[str, float] = {}
        self.peak_bytes: dict[str, int] = {}

    def step(self, name: Step) -> None:
        """Close the step before, begin this one."""
        if name == "fine_tune":
            self.begin("measure")
            self.after_transfer = self._measure_target()
        self.begin(name)

    def epoch(self, epoch: Epoch) -> None:
        """Pass an epoch on."""
        self._on_epoch(epoch)

    def begin(self, name: str) -> None:
        """Book the time since the last step, and the peak so far, under that step."""
        now_s = time.monotonic()
        self.seconds[self._name] = self.seconds.get(self._name, 0.0) + now_s - self._began_s
        self.peak_bytes[self._name] = peak_bytes()
        self._name, self._began_s = name, now_s


def device_of(setting: str) -> torch.device:
    """Give the device to work on; "auto" takes the GPU when there is one.

    Raises InvalidSettings when this machine has no such device.
    """
    if setting == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(setting)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        said = str(error).splitlines()[0]
        raise InvalidSettings(
            f"GRASP_DEVICE is {setting!r}: {said}; needs auto, cpu or a GPU that is here"
        ) from error
    return device


def absorb_source(
    target: Target,
    dataset: LoadedDataset,
    *,
    source: Path,
    parent: Parent | None,
    directory: Path,
    device: torch.device,
    on_epoch: Callable[[Epoch], None],
) -> Candidate:
    """Absorb the weights in `source` (verified against their digest) into the parent version.

    parent: None makes the first target. directory: private, empty; keeps the candidate's files.
    Raises BadArrival when the file does not hold what the architecture needs, IncompatibleSource,
    NonFiniteLoss.
    """
    snapshots = FileSnapshots(directory)
    data = TargetData(train=samples_of(target, dataset, "train"), val=samples_of(target, dataset, "val"))

    def fresh_source() -> nn.Module:
        return load_source(source, target.architecture, object=source.name).to(device)

    model, before = _parent_model(target, dataset, parent, fresh_source, device=device)
    steps = Steps(lambda: measure(model, target, dataset), on_epoch)
    run = absorb if parent else begin
    absorbed = run(
        model, fresh_source, data, config=target.absorb.config(), snapshots=snapshots, progress=steps
    )
    steps.begin("measure")
    if absorbed.choice == "unchanged":
        return Candidate(
            absorbed=absorbed,
            before=before,
            after_transfer=measure(model, target, dataset),
            seconds=steps.seconds,
            peak_bytes=steps.peak_bytes,
        )
    after_fine_tune = measure(model, target, dataset)
    steps.begin("save")
    files = _save(model, absorbed, snapshots, directory)
    steps.begin("end")
    return Candidate(
        absorbed=absorbed,
        before=before,
        after_transfer=steps.after_transfer or after_fine_tune,
        after_fine_tune=after_fine_tune,
        files=files,
        license=stated_license(source),
        seconds=steps.seconds,
        peak_bytes=steps.peak_bytes,
    )


def _parent_model(
    target: Target,
    dataset: LoadedDataset,
    parent: Parent | None,
    fresh_source: Callable[[], nn.Module],
    *,
    device: torch.device,
) -> tuple[nn.Module, Measured | None]:
    """Give the model to absorb into (a blank for the first target) and what the served parent measures."""
    if parent is None:
        return fresh_source(), None
    model = load_module(parent.served, target.architecture).to(device)
    before = measure(model, target, dataset)
    if parent.stem:
        load_into(model, parent.stem)
    return model, before


def _save(model: nn.Module, absorbed: Absorbed, snapshots: FileSnapshots, directory: Path) -> Files:
    served = directory / "served.safetensors"
    served_sha256 = save(model, served)
    if absorbed.mode == "reference":
        return Files(served=served, served_sha256=served_sha256)
    snapshots.load_into(STEM, model)
    stem = directory / "kept" / "stem.safetensors"
    stem.parent.mkdir()
    return Files(served=served, served_sha256=served_sha256, stem=stem, stem_sha256=save(model, stem))


def measure(model: nn.Module, target: Target, dataset: LoadedDataset) -> Measured:
    """Evaluate a model on gate and test."""
    gate, test = samples_of(target, dataset, "gate"), samples_of(target, dataset, "test")
    predicted = predict(model, gate.batches(EVALUATION_BATCH)).numpy()
    return Measured(
        gate=evaluate(model, gate.batches(EVALUATION_BATCH)),
        test=evaluate(model, test.batches(EVALUATION_BATCH)),
        correct=predicted == np.asarray(dataset.splits["gate"].labels),
    )


def samples_of(target: Target, dataset: LoadedDataset, split: str) -> Samples:
    """Give one split as the core takes it; images stay memory-mapped."""
    arrays, size = dataset.splits[split], target.input
    return Samples(
        arrays.images, arrays.labels, mean=size.mean, std=size.std, batch_size=target.absorb.batch_size
    )


def peak_bytes() -> int:
    """Give the greatest memory so far: of the GPU's allocator where there is one, else of this process."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
