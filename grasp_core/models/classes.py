"""A model that may choose among some of its classes only: those that have a label."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from grasp_core.data.samples import Samples
from grasp_core.models.loss import logits_of
from grasp_core.models.modes import mode


def labelled(model: nn.Module, labels: Tensor, sample: Samples) -> Tensor | None:
    """Name the classes among labels, in order; None when they are all that the model knows.

    sample: images to learn from how many it knows.
    """
    with mode(model, "eval"), torch.inference_mode():
        logits, _ = logits_of(model, sample.batch(torch.zeros(1, dtype=torch.int64)))
    classes = torch.bincount(labels, minlength=logits.shape[1]).nonzero().flatten()
    return classes if len(classes) < logits.shape[1] else None


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
        absent = torch.ones(logits.shape[1], dtype=torch.bool, device=logits.device)
        absent[classes.to(logits.device)] = False
        return logits.masked_fill(absent, float("-inf"))

    hook = model.register_forward_hook(leave_out)
    try:
        yield
    finally:
        hook.remove()
