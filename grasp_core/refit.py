"""Validate how far to go, then use every label: two short folds, averaged, then all labels."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import CosineAnnealingLR

from grasp_core.batchnorm import recalibrate
from grasp_core.config import FineTuneConfig, RefitConfig
from grasp_core.data.batches import Batches
from grasp_core.data.samples import Samples
from grasp_core.data.target import in_order, shuffled
from grasp_core.evaluate import evaluate
from grasp_core.finetune import FineTuned, train_epoch
from grasp_core.folds import SOUP, rotations, stir_in
from grasp_core.loss import device_of
from grasp_core.progress import SILENT, Epoch, Progress
from grasp_core.seed import derive, generator, seeded
from grasp_core.snapshots import Snapshots


def refit(
    model: nn.Module,
    labels: Samples,
    *,
    block: int,
    config: FineTuneConfig,
    how: RefitConfig,
    snapshots: Snapshots,
    start: str,
    progress: Progress = SILENT,
) -> FineTuned:
    """Fine-tune on all labels, in place, as far as blocks of them that were held out agree.

    labels: train and val together; block: samples that each fold holds out; config.epochs: the budget of a
    plain fine-tune; start: the snapshot that the model equals. Each fold trains for how.share of the budget,
    to its end. Of how.steps, the one at which start + step * (end - start) has the lowest cross-entropy on
    what the folds held out, on average, is taken with the mean of the ends; then all labels train on, for
    how.onward of that way. A step of 0 leaves the model as it was. Batch norm is recalibrated at every step.
    Costs folds * share * (1 - block / labels) + onward * step * share of a plain fine-tune on all labels;
    never holds more than training does, the mean lives in snapshots.
    Source: measured on the digits benchmark, docs/LOG.md (2026-11-21); weight averaging of fine-tuned models,
    arXiv:2203.05482, and their interpolation with the start, arXiv:2109.01903.
    """
    short = replace(config, epochs=max(1, round(how.share * config.epochs)))
    told = _Told([], [], 0)
    losses = torch.zeros(len(how.steps), dtype=torch.float64)
    splits = rotations(len(labels), block=block, folds=how.folds, order=generator(config.seed, "folds"))
    for fold, (train, val) in enumerate(splits, start=1):
        snapshots.load_into(start, model)
        held, seed = labels.subset(val), derive(config.seed, "fold", fold)
        told.train(model, labels.subset(train), held, replace(short, seed=seed), progress, of=how.folds + 1)
        losses += torch.tensor(
            _along(model, held, labels, how.steps, config.batch_size, start=start, snapshots=snapshots)
        )
        stir_in(model, snapshots, count=fold)
    step = how.steps[int(losses.argmin())]
    snapshots.load_into(start, model)
    if step == 0:
        return replace(told.done(), kept=(0,))
    _step_toward(SOUP, model, step, snapshots)
    recalibrate(model, labels.batches(config.batch_size))
    onward = round(how.onward * step * short.epochs)
    if onward:
        again = replace(config, epochs=onward, seed=derive(config.seed, "refit"))
        told.train(model, labels, labels.subset(splits[0][1]), again, progress, of=how.folds + 1)
        recalibrate(model, labels.batches(config.batch_size))
    return told.done()


@dataclass(slots=True)
class _Told:
    """The trainings of a refit, one after the other."""

    epochs: list[Epoch]
    kept: list[int]
    passes: int

    def train(
        self,
        model: nn.Module,
        train: Samples,
        watched: Batches,
        config: FineTuneConfig,
        progress: Progress,
        *,
        of: int,
    ) -> None:
        """Train for all epochs with a cosine schedule; metrics on watched are told and choose nothing."""
        optimizer = AdamW(model.parameters(), lr=config.lr, weight_decay=config.weight_decay, fused=True)
        schedule = CosineAnnealingLR(optimizer, T_max=config.epochs)
        order = generator(config.seed, "order")
        with seeded(config.seed, "refit", device=device_of(model)):
            for number in range(1, config.epochs + 1):
                loss, seen = train_epoch(model, shuffled(train, config.batch_size, order), optimizer)
                self.passes += seen
                schedule.step()
                metrics = evaluate(model, in_order(watched, config.batch_size))
                self.epochs.append(
                    Epoch(
                        fold=len(self.kept) + 1,
                        folds=of,
                        epoch=number,
                        epochs=config.epochs,
                        train_loss=loss,
                        val_loss=metrics.loss,
                        val_accuracy=metrics.accuracy,
                    )
                )
                progress.epoch(self.epochs[-1])
        self.kept.append(config.epochs)

    def done(self) -> FineTuned:
        return FineTuned(epochs=tuple(self.epochs), kept=tuple(self.kept), gradient_passes=self.passes)


def _along(
    end: nn.Module,
    held: Samples,
    labels: Samples,
    steps: Sequence[float],
    batch_size: int,
    *,
    start: str,
    snapshots: Snapshots,
) -> list[float]:
    """Measure the loss on held at every step of the way from start to end; end stays as it is."""
    model = copy.deepcopy(end)
    losses = []
    for step in steps:
        snapshots.load_into(start, model)
        _lerp(model, end, step)
        recalibrate(model, labels.batches(batch_size))
        losses.append(evaluate(model, in_order(held, batch_size)).loss)
    return losses


def _step_toward(name: str, model: nn.Module, step: float, snapshots: Snapshots) -> None:
    other = copy.deepcopy(model)
    snapshots.load_into(name, other)
    _lerp(model, other, step)


def _lerp(model: nn.Module, other: nn.Module, step: float) -> None:
    with torch.no_grad():
        for parameter, end in zip(model.parameters(), other.parameters(), strict=True):
            parameter.lerp_(end, step)
