"""Absorb one source on this worker: load, run the core, measure on the splits that the core never sees."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import nn

from grasp_core.absorb import absorb, begin
from grasp_core.absorbed import Absorbed
from grasp_core.data.target import TargetData
from grasp_core.models.snapshots import STEM
from grasp_core.progress import Epoch
from tasks.candidates.measure import Measured, measure, samples_of
from tasks.candidates.steps import Steps
from tasks.contracts.target import Target
from tasks.data.datasets import LoadedDataset
from tasks.weights.files import load_into, load_module, load_source, save
from tasks.weights.licensing import stated_license
from tasks.weights.snapshots import FileSnapshots


@dataclass(frozen=True, kw_only=True, slots=True)
class Parent:
    """The files of the version that an absorb builds on; stem is None where the served model is the stem."""

    registry_version: int
    served: Path
    stem: Path | None


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
