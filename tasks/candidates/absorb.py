"""Absorb one source on this worker: load, run the core, measure on the splits that the core never sees."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from grasp_core.absorb import absorb, begin
from grasp_core.absorbed import Absorbed
from grasp_core.data.target import TargetData
from grasp_core.growth.new_rows import fit_new_rows
from grasp_core.levers import OFF, Levers
from grasp_core.models.equip import equip
from grasp_core.models.snapshots import STEM
from grasp_core.progress import Epoch
from grasp_core.ranks.world import agree
from tasks.candidates.candidate import Candidate, Files, Parent
from tasks.candidates.measure import Measured, handing_of, measure, samples_of
from tasks.candidates.steps import Steps
from tasks.contracts.target import Target
from tasks.data.datasets import LoadedDataset
from tasks.weights.files import load_source, save
from tasks.weights.grown import architecture_in, grown, load_grown, load_grown_into
from tasks.weights.licensing import stated_license
from tasks.weights.snapshots import FileSnapshots


def absorb_source(
    target: Target,
    dataset: LoadedDataset,
    *,
    source: Path,
    parent: Parent | None,
    directory: Path,
    device: torch.device,
    on_epoch: Callable[[Epoch], None],
    levers: Levers = OFF,
) -> Candidate:
    """Absorb the weights in `source` (verified against their digest) into the parent version.

    parent: None makes the first target. directory: private, empty; keeps the candidate's files. levers: how
    it is computed, recorded with the candidate.
    Raises BadArrival when the file does not hold what the architecture needs, IncompatibleSource,
    NonFiniteLoss.
    """
    snapshots = FileSnapshots(directory)
    handing = handing_of(levers, device)
    train, val = (samples_of(target, dataset, split, handing=handing) for split in ("train", "val"))
    data = TargetData(train, val)

    knows = architecture_in(source, target.architecture)
    fewer = None if knows == target.architecture else knows.num_classes

    def fresh_source() -> nn.Module:
        module = load_source(source, knows, object=source.name)
        wide = grown(module, target.architecture) if fewer else module
        return _learned(equip(wide.to(device), levers), target, data, known=knows.num_classes)

    def parent_model() -> tuple[nn.Module, Measured | None]:
        """Give the model to absorb into (a blank for the first target), and what the served one measures."""
        if parent is None:
            return fresh_source(), None
        network = target.architecture
        model = equip(load_grown(parent.served, network).to(device), levers)
        measured = measure(model, target, dataset)
        if parent.stem:
            load_grown_into(model, parent.stem, network)
        known = architecture_in(parent.served, network).num_classes
        return _learned(model, target, data, known=known), measured

    model, before = parent_model()
    steps = Steps(lambda: measure(model, target, dataset), on_epoch, device=device)
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
            source_classes=fewer,
            seconds=steps.seconds,
            peak_bytes=steps.peak_bytes,
            levers=levers,
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
        source_classes=fewer,
        seconds=steps.seconds,
        peak_bytes=steps.peak_bytes,
        gpu=steps.gpu,
        levers=levers,
    )


def _learned(model: nn.Module, target: Target, data: TargetData, *, known: int) -> nn.Module:
    """Fit the rows of classes that a model does not know to the labels; nothing where it knows all."""
    if known < target.architecture.num_classes:
        settings = target.absorb
        fit_new_rows(model, data, known=known, batch_size=settings.batch_size, seed=settings.seed)
        agree(model)
    return model


def _save(model: nn.Module, absorbed: Absorbed, snapshots: FileSnapshots, directory: Path) -> Files:
    served = directory / "served.safetensors"
    served_sha256 = save(model, served)
    if absorbed.mode == "reference":
        return Files(served=served, served_sha256=served_sha256)
    snapshots.load_into(STEM, model)
    stem = directory / "kept" / "stem.safetensors"
    stem.parent.mkdir()
    return Files(served=served, served_sha256=served_sha256, stem=stem, stem_sha256=save(model, stem))
