"""Validate how far to go, then use every label: a short fold (or the mean of some), then all labels."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import nn

from grasp_core.config import FineTuneConfig, RefitConfig
from grasp_core.data.samples import Samples
from grasp_core.data.target import to_measure
from grasp_core.models.evaluate import evaluate
from grasp_core.models.snapshots import Snapshots
from grasp_core.progress import SILENT, Epoch, Progress
from grasp_core.seed import derive, generator
from grasp_core.training.finetune import FineTuned, train_to_end
from grasp_core.training.folds import SOUP, rotations, stir_in

Settle = Callable[[nn.Module], None]


def refit(
    model: nn.Module,
    labels: Samples,
    *,
    block: int,
    config: FineTuneConfig,
    how: RefitConfig,
    snapshots: Snapshots,
    start: str,
    settle: Settle,
    progress: Progress = SILENT,
) -> FineTuned:
    """Fine-tune on all labels, in place, as far as blocks of them that were held out agree.

    labels: train and val together; block: samples that each fold holds out at most; config.epochs: that of a
    plain fine-tune; start: the snapshot that the model equals. Each fold trains for how.share of the budget,
    to its end. Of how.steps, the one at which start + step * (end - start) has the lowest cross-entropy on
    what the folds held out, on average, is taken with the mean of the ends; then all labels train on, for
    how.onward of that way. A step of 0 leaves the model as it was. settle gives a model on that way its
    batch-norm statistics.
    Costs folds * share * (1 - block / labels) + onward * step * share of a plain fine-tune on all labels;
    never holds more than training does, the mean lives in snapshots.
    Source: measured on the digits benchmark, docs/LOG.md (2026-11-21); weight averaging of fine-tuned models,
    arXiv:2203.05482, and their interpolation with the start, arXiv:2109.01903.
    """
    short = replace(config, epochs=max(1, round(how.share * config.epochs)))
    told = _Told(progress, trainings=how.folds + 1)
    losses = torch.zeros(len(how.steps), dtype=torch.float64)
    splits = rotations(len(labels), block=block, folds=how.folds, order=generator(config.seed, "folds"))
    for fold, (train, val) in enumerate(splits, start=1):
        snapshots.load_into(start, model)
        held, seed = labels.subset(val), derive(config.seed, "fold", fold)
        told.train(model, labels.subset(train), held, replace(short, seed=seed))
        losses += torch.tensor(
            _along(model, held, how.steps, config.batch_size, start=start, snapshots=snapshots, settle=settle)
        )
        stir_in(model, snapshots, count=fold)
    step = how.steps[int(losses.argmin())]
    snapshots.load_into(start, model)
    if step == 0:
        return told.done(kept=(0,))
    _step_toward(SOUP, model, step, snapshots)
    settle(model)
    onward = round(how.onward * step * short.epochs)
    if onward:
        again = replace(config, epochs=onward, seed=derive(config.seed, "refit"))
        told.train(model, labels, labels.subset(splits[0][1]), again)
        settle(model)
    return told.done()


class _Told:
    """The trainings of a refit, one after the other, with what they told."""

    def __init__(self, progress: Progress, *, trainings: int) -> None:
        self._progress, self._trainings = progress, trainings
        self._epochs: list[Epoch] = []
        self._lengths: list[int] = []
        self._passes = 0
        self._pieces = 1

    def train(self, model: nn.Module, train: Samples, watched: Samples, config: FineTuneConfig) -> None:
        """Train for all epochs; metrics on watched are told and choose nothing."""
        trained = train_to_end(
            model,
            train,
            watched,
            config=config,
            progress=self._progress,
            fold=len(self._lengths) + 1,
            folds=self._trainings,
        )
        self._epochs += trained.epochs
        self._lengths.append(config.epochs)
        self._passes += trained.gradient_passes
        self._pieces = max(self._pieces, trained.pieces)

    def done(self, *, kept: tuple[int, ...] | None = None) -> FineTuned:
        """Give the whole; kept: the epochs kept, when they are not those of every training."""
        return FineTuned(
            epochs=tuple(self._epochs),
            kept=kept or tuple(self._lengths),
            gradient_passes=self._passes,
            pieces=self._pieces,
        )


def _along(
    end: nn.Module,
    held: Samples,
    steps: Sequence[float],
    batch_size: int,
    *,
    start: str,
    snapshots: Snapshots,
    settle: Settle,
) -> list[float]:
    """Measure the loss on held at every step of the way from start to end; end stays as it is."""
    model = copy.deepcopy(end)
    losses = []
    for step in steps:
        snapshots.load_into(start, model)
        if step > 0:  # at 0 it is as it was
            _lerp(model, end, step)
            settle(model)
        losses.append(evaluate(model, to_measure(held, batch_size)).loss)
    return losses


def _step_toward(name: str, model: nn.Module, step: float, snapshots: Snapshots) -> None:
    other = copy.deepcopy(model)
    snapshots.load_into(name, other)
    _lerp(model, other, step)


def _lerp(model: nn.Module, other: nn.Module, step: float) -> None:
    with torch.no_grad():
        for parameter, end in zip(model.parameters(), other.parameters(), strict=True):
            parameter.lerp_(end, step)
