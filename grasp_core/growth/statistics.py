"""Which batch-norm statistics a newcomer gets: those it came with, those of the labels, or half of each."""

from dataclasses import dataclass

import torch
from torch import nn

from grasp_core.data.pieces import FEWEST
from grasp_core.data.samples import Samples
from grasp_core.data.target import in_order, to_measure
from grasp_core.models.batchnorm import put_statistics, recalibrate, statistics_of, tracking
from grasp_core.models.evaluate import judge

SHARES = (1.0, 0.5, 0.0)  # of the labels' statistics
# The labels' own win unless another share's loss, times this, is lower: with them training can measure on,
# and where they do no harm losses differ by less (docs/LOG.md, 2026-11-26).
TRUST = 1.2


@dataclass(frozen=True, slots=True)
class Fitted:
    """The share of the labels' statistics that was taken, and what the model is then worth.

    share: in [0, 1]; None for a model that has none. loss: mean cross-entropy at the temperature that suits
    the model (judge), by which it competes with another; losses: per share, as it is, which chose the share.
    Both on labels that set no statistics.
    """

    share: float | None
    loss: float
    losses: dict[float, float]

    @property
    def held(self) -> bool:
        """Whether what is served has to keep the statistics, because the labels are no measure of them."""
        return self.share is not None and self.share < 1


def as_they_came(model: nn.Module, labels: Samples, *, batch_size: int) -> Fitted:
    """Leave a model its statistics: for labels that say too little of its classes to judge by."""
    judged = judge(model, to_measure(labels, batch_size))
    if not tracking(model):
        return Fitted(None, judged.tempered, {})
    return Fitted(0.0, judged.tempered, {0.0: judged.loss})


def fit_statistics(model: nn.Module, labels: Samples, *, batch_size: int) -> Fitted:
    """Give a model the statistics that fit the labels best, in place, judged crosswise.

    Statistics of each half of the labels are tried on the other half: those of few samples fit the samples
    that they were measured on whatever they do to others. Then all labels set the share that won.
    Costs one pass without gradients to measure and one per share. Fewer than four labels leave a model with
    batch norm on vectors what it came with: a half would be one vector, which has no variance.
    Raises InvalidData without samples, NonFiniteLoss.
    """
    vectors = any(isinstance(norm, nn.BatchNorm1d) for norm in tracking(model))
    if not tracking(model) or (vectors and len(labels) < 2 * FEWEST):
        return as_they_came(model, labels, batch_size=batch_size)
    came = [s.clone() for s in statistics_of(model)]
    losses, tempered = dict.fromkeys(SHARES, 0.0), dict.fromkeys(SHARES, 0.0)
    mean = [torch.zeros_like(s) for s in came]
    first, second = _halves(labels)
    for measured, held_out in ((first, second), (second, first)):
        put_statistics(model, came)
        recalibrate(model, in_order(measured, batch_size))
        theirs = [s.clone() for s in statistics_of(model)]
        for total, of_half in zip(mean, theirs, strict=True):
            total.add_(of_half, alpha=len(measured) / len(labels))
        for share in SHARES:
            put_statistics(model, [a.lerp(b, share) for a, b in zip(came, theirs, strict=True)])
            judged, part = judge(model, to_measure(held_out, batch_size)), len(held_out) / len(labels)
            losses[share] += judged.loss * part
            tempered[share] += judged.tempered * part
    share = min(SHARES, key=lambda share: losses[share] * (1.0 if share == 1 else TRUST))
    put_statistics(model, [a.lerp(b, share) for a, b in zip(came, mean, strict=True)])
    return Fitted(share, tempered[share], losses)


def _halves(labels: Samples) -> tuple[Samples, Samples]:
    """Part the labels in two, each class as evenly as it goes."""
    order = labels.labels.argsort(stable=True)
    return labels.subset(order[0::2]), labels.subset(order[1::2])
