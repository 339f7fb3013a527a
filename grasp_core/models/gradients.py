"""Gradients of one or two models, handed over tensor by tensor and freed at once.

Of several ranks each computes its rows of a batch; what is handed over is added up, the same on all of them.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import chain

import torch
from torch import Tensor, nn

from grasp_core.data.batches import Batch, Batches
from grasp_core.data.pieces import cut
from grasp_core.errors import InvalidData
from grasp_core.models.loss import cross_entropy, need_finite
from grasp_core.models.modes import Flag, mode
from grasp_core.models.pairs import check_pair
from grasp_core.models.spill import Spill
from grasp_core.ranks.share import sharing
from grasp_core.ranks.world import add_up

# name, the source's gradient, the target's gradient; both may be overwritten
Consumer = Callable[[str, Tensor, Tensor], None]


@contextmanager
def facing(source: nn.Module, target: nn.Module, *, source_mode: Flag, target_mode: Flag) -> Iterator[None]:
    """Check that two models fit, and let gradients be taken of both in these modes.

    Afterwards gradients are None and flags as before; after an error the target's buffers are too.
    Raises IncompatibleSource.
    """
    check_pair(source, target)
    with ExitStack() as stack:
        stack.enter_context(_cleared(source, target))
        stack.enter_context(_buffers_restored_on_error(target))
        stack.enter_context(mode(source, source_mode))
        stack.enter_context(mode(target, target_mode))
        stack.enter_context(torch.enable_grad())
        yield


def pairwise(
    source: nn.Module, target: nn.Module, batches: Batches, *, consume: Consumer, pieces: int = 1
) -> None:
    """Hand over both gradients of the mean cross-entropy, summed over batches, once per parameter.

    Only parameters that got a gradient in both models are handed over. pieces: into how many each batch is
    cut; their gradients add up to the batch's. Never more than three parameter sizes beside the activations:
    with one piece in all the target's gradients are consumed as backward produces them, with more both sums
    wait on disk. Raises NonFiniteLoss, InvalidData.
    """
    queue = _in_pieces(batches, pieces)
    first, second = next(queue, None), next(queue, None)
    if first is None:
        raise _no_batch()
    ours = dict(source.named_parameters())
    if second is None:
        _backward(source, *first, role="source")
        with _taking(target, lambda name, grad: _hand_over(name, ours[name], grad, consume)):
            _backward(target, *first, role="target")
        return
    with Spill() as our_sums, Spill() as their_sums:
        for piece, share in chain((first, second), queue):
            with _taking(source, our_sums.add):
                _backward(source, piece, share, role="source")
            with _taking(target, their_sums.add):
                _backward(target, piece, share, role="target")
        for name in ours:
            if name in our_sums and name in their_sums:
                consume(name, our_sums.read(name), their_sums.read(name))


def summed(model: nn.Module, batches: Batches, *, role: str, pieces: int = 1) -> Iterator[tuple[str, Tensor]]:
    """Give each parameter's gradient of the cross-entropy over all samples, and free it after its turn.

    pieces: into how many each batch is cut. Raises NonFiniteLoss, InvalidData.
    """
    seen = 0
    for piece, _ in _in_pieces(batches, pieces):
        _backward(model, piece, None, role=role)
        seen += 1
    if seen == 0:
        raise _no_batch()
    for name, parameter in model.named_parameters():
        if parameter.grad is not None:
            add_up(parameter.grad)
            yield name, parameter.grad
            parameter.grad = None


def _in_pieces(batches: Batches, pieces: int) -> Iterator[tuple[Batch, float]]:
    """Give each piece with its share of its batch's samples."""
    for batch in batches:
        for piece in cut(batch, max(1, min(pieces, len(batch[1])))):
            yield piece, len(piece[1]) / max(1, len(batch[1]))


def _backward(model: nn.Module, batch: Batch, share: float | None, *, role: str) -> None:
    """Add the gradients of this share of the mean loss; None: of the loss summed over samples."""
    with sharing(batch) as part:
        loss = cross_entropy(model, part.batch, reduction="sum" if share is None else "mean")
    weight = part.of_sum if share is None else part.of_mean
    add_up(whole := loss.detach() * weight)
    need_finite(float(whole), model, role=role)
    if (weight := weight * (1.0 if share is None else share)) < 1:
        loss = loss * weight
    loss.backward()  # type: ignore[no-untyped-call]


def _no_batch() -> InvalidData:
    return InvalidData("alignment data holds no batch, needs at least one; nothing was compared")


def _hand_over(name: str, ours: nn.Parameter, gradient: Tensor, consume: Consumer) -> None:
    if ours.grad is not None:
        add_up(ours.grad)
        consume(name, ours.grad, gradient)
        ours.grad = None


@contextmanager
def _taking(model: nn.Module, take: Callable[[str, Tensor], None]) -> Iterator[None]:
    """Take each of a model's gradients as soon as backward has it, then free it."""

    def taken(parameter: nn.Parameter, name: str) -> None:
        if parameter.grad is not None:
            add_up(parameter.grad)
            take(name, parameter.grad)
            parameter.grad = None

    handles = [
        parameter.register_post_accumulate_grad_hook(  # type: ignore[no-untyped-call]
            lambda parameter, name=name: taken(parameter, name)
        )
        for name, parameter in model.named_parameters()
        if parameter.requires_grad
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def _cleared(*models: nn.Module) -> Iterator[None]:
    """Begin and end without gradients."""
    for model in models:
        model.zero_grad(set_to_none=True)
    try:
        yield
    finally:
        for model in models:
            model.zero_grad(set_to_none=True)


@contextmanager
def _buffers_restored_on_error(model: nn.Module) -> Iterator[None]:
    """Put buffers back when something fails: a forward in train mode has already moved the statistics."""
    before = {name: buffer.clone() for name, buffer in model.named_buffers()}
    try:
        yield
    except BaseException:
        for name, buffer in model.named_buffers():
            buffer.copy_(before[name])
        raise
