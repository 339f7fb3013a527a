"""The fold soup: rotate the labels, fine-tune once per rotation, average what was learned."""

import copy
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn

from grasp_core.config import FineTuneConfig
from grasp_core.data.pieces import FEWEST
from grasp_core.data.samples import Samples
from grasp_core.models.snapshots import Snapshots
from grasp_core.progress import SILENT, Epoch, Progress
from grasp_core.seed import derive, generator
from grasp_core.training.finetune import FineTuned, fine_tune

SOUP = "soup"


def rotations(size: int, *, block: int, folds: int, order: torch.Generator) -> list[tuple[Tensor, Tensor]]:
    """Split size samples folds times into (training, validation) positions.

    Each rotation validates on one block of a shuffled circle; the blocks begin evenly spaced, so they
    overlap when folds * block > size. Two are left to train on where there are three: batch norm on vectors
    cannot train on one.
    """
    block = min(block, max(1, size - FEWEST))
    circle = torch.randperm(size, generator=order)
    turns = [circle.roll(-(fold * size // folds)) for fold in range(folds)]
    return [(turn[block:], turn[:block]) for turn in turns]


def fold_soup(
    model: nn.Module,
    labels: Samples,
    *,
    block: int,
    folds: int,
    config: FineTuneConfig,
    snapshots: Snapshots,
    start: str,
    settle: Callable[[nn.Module], None],
    progress: Progress = SILENT,
) -> FineTuned:
    """Make the model its start plus the mean of what each fold learned; settle gives it its statistics.

    block: samples that each fold validates on; start: the snapshot that every fold begins at.
    The running mean lives in snapshots under "soup", so folds add no memory.
    Source: weight averaging of fine-tuned models, arXiv:2203.05482; over label rotations here.
    """
    epochs: list[Epoch] = []
    kept: list[int] = []
    passes, pieces = 0, 1
    splits = rotations(len(labels), block=block, folds=folds, order=generator(config.seed, "folds"))
    for fold, (train, val) in enumerate(splits, start=1):
        snapshots.load_into(start, model)
        tuned = fine_tune(
            model,
            labels.subset(train),
            labels.subset(val),
            config=replace(config, seed=derive(config.seed, "fold", fold)),
            snapshots=snapshots,
            progress=progress,
            fold=fold,
            folds=folds,
        )
        stir_in(model, snapshots, count=fold)
        epochs.extend(tuned.epochs)
        kept.extend(tuned.kept)
        passes += tuned.gradient_passes
        pieces = max(pieces, tuned.pieces)
    settle(model)
    return FineTuned(epochs=tuple(epochs), kept=tuple(kept), gradient_passes=passes, pieces=pieces)


def stir_in(model: nn.Module, snapshots: Snapshots, *, count: int) -> None:
    """Make the model, the count-th of its kind, the running mean of all so far, and save that."""
    if count > 1:
        newest = copy.deepcopy(model)
        snapshots.load_into(SOUP, model)
        with torch.no_grad():
            for mean, new in zip(model.parameters(), newest.parameters(), strict=True):
                mean.lerp_(new, 1 / count)
    snapshots.save(SOUP, model)
