"""A model that may choose among some of its classes only: those that have a label."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from grasp_core.data.samples import Samples
from grasp_core.models.loss import logits_of
from grasp_core.models.modes import mode


@dataclass(frozen=True, slots=True)
class Labelled:
    """The classes that have a label, in order; None when all have one. known: how many the model knows."""

    classes: Tensor | None
    known: int

    @property
    def enough(self) -> bool:
        """Whether training on them does more good than harm: more than half of the classes.

        Source: measured, docs/LOG.md (2026-11-26).
        """
        return self.classes is None or 2 * len(self.classes) > self.known


def labelled(model: nn.Module, labels: Tensor, sample: Samples) -> Labelled:
    """Name the classes among labels; sample: images to learn from how many the model knows."""
    with mode(model, "eval"), torch.inference_mode():
        logits, _ = logits_of(model, sample.batch(torch.zeros(1, dtype=torch.int64)))
    classes = torch.bincount(labels, minlength=logits.shape[1]).nonzero().flatten()
    known = logits.shape[1]
    return Labelled(classes if len(classes) < known else None, known)


@contextmanager
def only_among(model: nn.Module, classes: Tensor | None) -> Iterator[None]:
    """Give every class but these a logit of minus infinity, in each forward pass; None: all may be chosen.

    A class without a label would be trained away: nothing speaks for it, every sample against it. Left out,
    it neither gains nor loses by training on the others.
    Source: cross-entropy over the classes present, arXiv:2104.05025.
    """
    if classes is None:
        yield
        return

    def leave_out(_module: nn.Module, _inputs: object, logits: Tensor) -> Tensor:
        absent = torch.ones(logits.shape[1], dtype=torch.bool)
        absent[classes] = False
        return logits.masked_fill(absent.to(logits.device, non_blocking=True), float("-inf"))

    hook = model.register_forward_hook(leave_out)
    try:
        yield
    finally:
        hook.remove()
