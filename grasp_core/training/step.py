"""One step of training: forward, backward, update; in pieces where a batch does not fit into memory."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from grasp_core.data.batches import Batch
from grasp_core.data.pieces import FEWEST, Pieces
from grasp_core.models.loss import cross_entropy
from grasp_core.ranks.share import sharing
from grasp_core.ranks.world import add_up


def _no_more() -> None:
    """Do nothing beside the step."""


class TrainingStep:
    """Takes one optimizer step per batch. Gradients end as None.

    compiled: a compiled form of the model, and the size of the batches that it is for. before_update runs
    between backward and the update. When memory runs out the batch is taken in pieces whose gradients add up
    to those of the whole; batch norm then sees the pieces. Of several ranks each takes its rows; batch norm
    sees the whole batch.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: Optimizer,
        *,
        compiled: tuple[nn.Module, int] | None = None,
        before_update: Callable[[], None] = _no_more,
        after_update: Callable[[], None] = _no_more,
    ) -> None:
        self._model, self._optimizer = model, optimizer
        self._fast, self._size = compiled or (model, 0)
        self._before_update, self._after_update = before_update, after_update
        self._pieces = Pieces(fewest=FEWEST)

    @property
    def pieces(self) -> int:
        """Say into how many pieces a batch was cut at most."""
        return self._pieces.count

    def __call__(self, batch: Batch) -> Tensor:
        """Train on a batch; give this rank's part of its mean loss, without a graph, on the device."""
        loss = self._pieces.fit(batch, self._step, undo=self._forget)
        self._after_update()
        return loss

    def _step(self, pieces: list[Batch]) -> Tensor:
        size = sum(len(labels) for _, labels in pieces)
        losses = [self._backward(piece, len(piece[1]) / size) for piece in pieces]
        add_up(*(p.grad for p in self._model.parameters() if p.grad is not None))
        self._before_update()
        self._optimizer.step()
        self._forget()
        return losses[0] if len(losses) == 1 else torch.stack(losses).sum()

    def _backward(self, piece: Batch, share: float) -> Tensor:
        """Add the gradients of a piece, which is this share of its batch."""
        model = self._fast if len(piece[1]) == self._size else self._model
        with sharing(piece) as part:
            loss = cross_entropy(model, part.batch, reduction="mean")
        if (weight := share * part.of_mean) < 1:
            loss = loss * weight
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.detach()  # the graph holds the activations, which the next forward would double

    def _forget(self) -> None:
        self._optimizer.zero_grad(set_to_none=True)
