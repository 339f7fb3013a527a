"""Batch-norm statistics: measured anew on given inputs, mixed with those that came, or held still."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from grasp_core.data.batches import Batch, Batches
from grasp_core.data.pieces import FEWEST, Pieces
from grasp_core.errors import InvalidData
from grasp_core.models.loss import logits_of, need_finite_tensors
from grasp_core.models.modes import mode
from grasp_core.ranks.share import sharing


def tracking(model: nn.Module) -> list[_BatchNorm]:
    """Give the layers that keep statistics of what they saw."""
    return [m for m in model.modules() if isinstance(m, _BatchNorm) and m.track_running_stats]


def recalibrate(model: nn.Module, batches: Batches, *, share: float = 1.0) -> None:
    """Move running means and variances to their average over batches, weighted by samples, in place.

    share: of what is measured in what results, in [0, 1]; the rest is what the model has. 0 changes nothing.
    Parameters stay as they are; so do flags. Everything but batch norm is in eval mode meanwhile. A model
    without batch-norm statistics is left alone. A batch that does not fit into memory is measured in pieces:
    variances are then those within them. Raises InvalidData without batches, NonFiniteLoss when the
    activations overflow.
    Source: mixing with the statistics of training, arXiv:2006.16971.
    """
    norms = tracking(model)
    if not norms or share == 0:
        return
    came = [s.clone() for s in statistics_of(model)] if share < 1 else None
    _measure(model, norms, batches)
    if came is not None:
        put_statistics(
            model, [then.lerp(now, share) for now, then in zip(statistics_of(model), came, strict=True)]
        )
    need_finite_tensors(model, role="recalibrated model")


def statistics_of(model: nn.Module) -> list[Tensor]:
    """Give the running means and variances themselves, layer by layer."""
    both = ((norm.running_mean, norm.running_var) for norm in tracking(model))
    return [tensor for pair in both for tensor in pair if tensor is not None]


def put_statistics(model: nn.Module, values: Sequence[Tensor]) -> None:
    """Make these the running means and variances, in the order of statistics_of, in place."""
    with torch.no_grad():
        for tensor, value in zip(statistics_of(model), values, strict=True):
            tensor.copy_(value)


def _measure(model: nn.Module, norms: list[_BatchNorm], batches: Batches) -> None:
    momenta, pieces = [norm.momentum for norm in norms], Pieces(fewest=FEWEST)
    seen = 0
    try:
        with mode(model, "eval"), torch.no_grad():
            for norm in norms:
                norm.reset_running_stats()
                norm.training = True
            for batch in batches:
                measured = partial(_see, model, norms, seen)
                seen = pieces.fit(batch, measured, undo=_restoring(statistics_of(model)))
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
    if seen == 0:
        raise InvalidData("recalibration data holds no batch, needs at least one; statistics were reset")


def _see(model: nn.Module, norms: list[_BatchNorm], seen: int, pieces: list[Batch]) -> int:
    """Add the pieces of a batch to the average; give how many samples it is of."""
    for piece in pieces:
        seen += len(piece[1])
        for norm in norms:
            norm.momentum = len(piece[1]) / seen
        with sharing(piece) as part:
            logits_of(model, part.batch)
    return seen


def _restoring(statistics: list[Tensor]) -> Callable[[], None]:
    before = [tensor.clone() for tensor in statistics]

    def restore() -> None:
        for now, then in zip(statistics, before, strict=True):
            now.copy_(then)

    return restore


@contextmanager
def held_still(model: nn.Module) -> Iterator[None]:
    """Normalise by the statistics that the model has, also in train mode, and let none of them move.

    The layers' scales and shifts learn on.
    """
    norms = tracking(model)
    hooks = [norm.register_forward_pre_hook(_to_eval) for norm in norms]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _to_eval(norm: nn.Module, _: object) -> None:
    norm.training = False
