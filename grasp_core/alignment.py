"""How far a source and a target want to move in the same direction on the target's data."""

from collections.abc import Iterator

import torch
from torch import BoolTensor, Tensor, nn

from grasp_core.data.batches import Batches
from grasp_core.data.pieces import FEWEST, Pieces
from grasp_core.errors import NonFiniteLoss
from grasp_core.models.gradients import facing, pairwise, summed
from grasp_core.models.loss import device_of, wide
from grasp_core.models.modes import Flag
from grasp_core.models.spill import Spill
from grasp_core.ranks.world import as_first

EPSILON = 1e-8  # added to the denominator, as published
PIECE = 2**12  # elements of a gradient that are in float64 at once


def align(
    source: nn.Module,
    target: nn.Module,
    batches: Batches,
    *,
    source_mode: Flag = "eval",
    target_mode: Flag = "train",
) -> dict[str, float]:
    """Score gradient agreement, one cosine per named parameter tensor that got a gradient.

    The gradients are of the mean cross-entropy per batch, summed over all batches given. Scores lie in
    [-1, 1]; 0.0 where a gradient is all zero. In train mode, as published for the target, the forward
    passes update batch-norm statistics; gradients end as None, flags as they were.
    When memory runs out, batches that can be read again go on in pieces whose gradients add up; batch norm in
    train mode then sees the pieces.
    Raises IncompatibleSource when the models do not fit, NonFiniteLoss for a loss or gradient that is NaN
    or infinite, InvalidData without batches, torch.OutOfMemoryError; the target is then unchanged.
    Source: GRASP, arXiv:2606.14900, "parameter-wise gradient alignment".
    """

    def scored(pieces: int) -> dict[str, Tensor]:
        scores: dict[str, Tensor] = {}

        def consume(name: str, ours: Tensor, theirs: Tensor) -> None:
            scores[name] = _cosine(ours, theirs)
            _need_finite_gradient(name, scores[name])

        with facing(source, target, source_mode=source_mode, target_mode=target_mode):
            pairwise(source, target, batches, consume=consume, pieces=pieces)
        return scores

    scores = Pieces(fewest=FEWEST).fit_all(batches, scored, undo=_undone)
    names = [name for name, _ in target.named_parameters() if name in scores]
    figures = as_first([float(scores[name]) for name in names], device=device_of(target))
    return dict(zip(names, figures, strict=True))


def agreement(
    source: nn.Module,
    target: nn.Module,
    batches: Batches,
    *,
    source_mode: Flag = "eval",
    target_mode: Flag = "eval",
) -> dict[str, BoolTensor]:
    """Mark the elements whose two gradients have the same sign, one mask per named parameter tensor.

    The gradients are of the cross-entropy over all samples of all batches, which are read twice (an
    iterator is held in memory for that). The source's signs wait on disk, so that one set of gradients is
    the most there is beside the models and the activations. Zero has no sign: an element without a
    gradient in either model does not agree.
    Errors, pieces and side effects are those of align.
    """
    again = list(batches) if isinstance(batches, Iterator) else batches

    def masked(pieces: int) -> dict[str, BoolTensor]:
        masks: dict[str, BoolTensor] = {}
        with facing(source, target, source_mode=source_mode, target_mode=target_mode), Spill() as signs:
            for name, gradient in summed(source, again, role="source", pieces=pieces):
                signs.add(name, _signs(name, gradient))
            for name, gradient in summed(target, again, role="target", pieces=pieces):
                if name in signs:
                    masks[name] = signs.read(name).mul_(_signs(name, gradient)) > 0  # type: ignore[assignment]
        return masks

    return Pieces(fewest=FEWEST).fit_all(again, masked, undo=_undone)


def _undone() -> None:
    """Nothing is left to undo: facing has put everything back."""


def _signs(name: str, gradient: Tensor) -> Tensor:
    _need_finite_gradient(name, gradient.sum())
    return gradient.sign_().to(torch.int8)


def _cosine(ours: Tensor, theirs: Tensor) -> Tensor:
    lengths = _dot(ours, ours).sqrt() * _dot(theirs, theirs).sqrt()
    return _dot(ours, theirs) / (lengths + EPSILON)


def _dot(ours: Tensor, theirs: Tensor) -> Tensor:
    """Give the inner product in float64, piece by piece: a whole copy in float64 would be the peak."""
    total = torch.zeros((), dtype=wide(ours.device), device=ours.device)
    ours, theirs = ours.reshape(-1), theirs.reshape(-1)
    for start in range(0, ours.numel(), PIECE):
        piece = slice(start, start + PIECE)
        total += torch.dot(ours[piece].to(total.dtype), theirs[piece].to(total.dtype))
    return total


def _need_finite_gradient(name: str, figure: Tensor) -> None:
    if not bool(torch.isfinite(figure)):
        raise NonFiniteLoss(
            f"gradient of tensor {name} is NaN or infinite, needs to be finite; nothing was changed"
        )
