"""The way from one model to another: each tensor may go its own share of it, judged by the labels."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import BoolTensor, Tensor, nn

from grasp_core.data.pieces import Pieces
from grasp_core.data.samples import Samples
from grasp_core.data.target import InBatches, to_measure
from grasp_core.models.batchnorm import recalibrate, statistics_of
from grasp_core.models.evaluate import evaluate
from grasp_core.models.gradients import summed
from grasp_core.models.modes import mode
from grasp_core.models.snapshots import Snapshots

ANCHOR = "anchor"
CLOSE = 0.02  # steps that lie no further apart are one


class Way:
    """From an anchor toward another model, which both end as something else.

    The anchor becomes each point that is measured, the other model the difference between the two. One set
    of gradients beside them is the most there is, while slopes are measured.
    """

    def __init__(
        self,
        anchor: nn.Module,
        other: nn.Module,
        labels: Samples,
        *,
        batch_size: int,
        statistics: float | None,
        snapshots: Snapshots,
        mask: Mapping[str, BoolTensor] | None = None,
    ) -> None:
        """statistics: the labels' share in batch-norm statistics along the way; mask: elements that move."""
        snapshots.save(ANCHOR, anchor)
        self._point, self._step, self._snapshots = anchor, other, snapshots
        self._labels, self._batch_size, self._statistics = labels, batch_size, statistics or 0.0
        self._batches = InBatches(labels, batch_size)
        with torch.no_grad():
            for ours, theirs in self._pairs():
                theirs.sub_(ours)
            for name, step in other.named_parameters():
                if mask is not None:
                    step.mul_(mask[name]) if name in mask else step.zero_()

    @property
    def names(self) -> tuple[str, ...]:
        """Name the parameter tensors."""
        return tuple(name for name, _ in self._point.named_parameters())

    @property
    def samples(self) -> int:
        """Count the labels that judge."""
        return len(self._labels)

    def _pairs(self) -> list[tuple[Tensor, Tensor]]:
        ours, theirs = self._point, self._step
        return [
            *zip(ours.parameters(), theirs.parameters(), strict=True),
            *zip(statistics_of(ours), statistics_of(theirs), strict=True),
        ]

    def go(self, alphas: Mapping[str, float]) -> None:
        """Make the anchor itself plus alpha of the way, tensor by tensor; at 0 everywhere it is as it came.

        Batch-norm statistics go the mean alpha of the way, then as far to those of the labels as they may.
        """
        self._snapshots.load_into(ANCHOR, self._point)
        if not any(alphas.values()):
            return
        with torch.no_grad():
            for (name, parameter), step in zip(
                self._point.named_parameters(), self._step.parameters(), strict=True
            ):
                parameter.add_(step, alpha=alphas[name])
            mean = sum(alphas.values()) / len(alphas)
            for now, then in zip(statistics_of(self._point), statistics_of(self._step), strict=True):
                now.add_(then, alpha=mean)
        recalibrate(self._point, self._batches, share=self._statistics)

    def loss(self, alphas: Mapping[str, float]) -> float:
        """Go there, and give the mean cross-entropy on the labels."""
        self.go(alphas)
        return evaluate(self._point, to_measure(self._labels, self._batch_size)).loss

    def slopes(self) -> dict[str, float]:
        """Say how the labels' mean loss changes per whole way of each tensor, at the point reached last."""
        return Pieces().fit_all(self._batches, self._slopes, undo=self._forget)

    def _slopes(self, pieces: int) -> dict[str, float]:
        steps, count = dict(self._step.named_parameters()), len(self._labels)
        slopes = dict.fromkeys(steps, 0.0)
        with mode(self._point, "eval"), torch.enable_grad():
            for name, gradient in summed(self._point, self._batches, role="target", pieces=pieces):
                slopes[name] = float(torch.dot(gradient.flatten(), steps[name].detach().flatten())) / count
        return slopes

    def _forget(self) -> None:
        self._point.zero_grad(set_to_none=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """A point of the way, by its mean alpha, and the labels' mean cross-entropy there."""

    alpha: float
    loss: float


@dataclass(frozen=True, slots=True)
class Chosen:
    """How far each tensor goes; every point that was measured; gradient passes that it took, in samples."""

    alphas: Mapping[str, float]
    trials: tuple[Trial, ...]
    gradient_passes: int = 0


# how far to go along a way, given the steps to try on all tensors at once
Choose = Callable[[Way, tuple[float, ...]], Chosen]


def line(way: Way, alphas: tuple[float, ...]) -> Chosen:
    """Move all tensors alike: try the steps given, then the lowest point of the parabola through the best.

    Between equals the first wins, 0 before all; without a step above 0 nothing is measured.
    """
    losses: dict[float, float] = {}
    if max(alphas) > 0:
        for alpha in alphas:
            losses[alpha] = way.loss(dict.fromkeys(way.names, alpha))
        if (lowest := _lowest(losses)) is not None:
            losses[lowest] = way.loss(dict.fromkeys(way.names, lowest))
    best = min(losses, key=losses.__getitem__, default=0.0)
    trials = tuple(Trial(alpha=alpha, loss=loss) for alpha, loss in sorted(losses.items()))
    return Chosen(dict.fromkeys(way.names, best), trials)


def _lowest(losses: Mapping[float, float]) -> float | None:
    """Say where the parabola through the best step and its neighbours is lowest, unless that was tried."""
    steps = sorted(losses)
    if len(steps) < 3:
        return None
    place = min(max(1, steps.index(min(steps, key=losses.__getitem__))), len(steps) - 2)
    (a, x), (b, y), (c, z) = ((step, losses[step]) for step in steps[place - 1 : place + 2])
    bend = (z - y) / (c - b) - (y - x) / (b - a)
    if bend <= 0:
        return None
    lowest = (a + b) / 2 - (y - x) / (b - a) * (c - a) / (2 * bend)
    lowest = round(min(max(lowest, steps[0]), steps[-1]), 3)
    return lowest if min(abs(lowest - step) for step in steps) >= CLOSE else None
