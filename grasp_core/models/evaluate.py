"""Measure a model on labelled images."""

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from grasp_core.data.batches import Batch, Batches
from grasp_core.data.pieces import Pieces
from grasp_core.errors import InvalidData
from grasp_core.models.loss import device_of, logits_of, need_finite, wide
from grasp_core.models.modes import mode
from grasp_core.ranks.share import in_turns
from grasp_core.ranks.world import add_up, greatest

TEMPERATURES = tuple(2 ** (half / 2) for half in range(-2, 7))  # 0.5 to 8


@dataclass(frozen=True, slots=True)
class Metrics:
    """What a model does on a data set.

    accuracy in [0, 1]; loss: mean cross-entropy; samples: how many were seen;
    confusion: counts, one row per true class, one column per predicted class.
    """

    accuracy: float
    loss: float
    samples: int
    confusion: tuple[tuple[int, ...], ...]


def evaluate(model: nn.Module, batches: Batches) -> Metrics:
    """Measure a model in eval mode; its flags, buffers and gradients stay as they are.

    Several ranks take the batches in turns, and give the same figures.
    Raises InvalidData without batches, NonFiniteLoss when the mean loss is NaN or infinite.
    """
    losses, cells = _summed(model, batches, (1.0,))
    return _metrics(model, float(losses[0]), cells)


@dataclass(frozen=True, slots=True)
class Judged:
    """A model's mean cross-entropy, and the same at that of TEMPERATURES which suits it best."""

    loss: float
    tempered: float


def judge(model: nn.Module, batches: Batches) -> Judged:
    """Measure how a model compares with another one; otherwise as evaluate.

    A model that is sure of too much has a high cross-entropy however often it is right, so guarded mode
    asks which of two leads at the temperature that suits each (docs/LOG.md, 2026-11-26 and 27).
    Source: temperature scaling, arXiv:1706.04599.
    """
    losses, cells = _summed(model, batches, TEMPERATURES)
    samples = int(cells.sum())
    judged = Judged(float(losses[TEMPERATURES.index(1.0)]) / samples, float(losses.min()) / samples)
    need_finite(judged.loss + judged.tempered, model, role="evaluated model")
    return judged


def _summed(model: nn.Module, batches: Batches, temperatures: tuple[float, ...]) -> tuple[Tensor, Tensor]:
    """Add up the cross-entropy at each temperature, and count what was predicted, true class by class."""
    device, pieces = device_of(model), Pieces()
    losses = torch.zeros(len(temperatures), dtype=wide(device), device=device)
    confusion, classes = torch.zeros(0, dtype=torch.int64, device=device), 0
    with mode(model, "eval"), torch.inference_mode():
        for batch in in_turns(batches):
            for logits, labels in pieces.fit(batch, partial(_all_logits, model), undo=_nothing):
                classes = logits.shape[1]
                losses += torch.stack([_entropy(logits / each, labels) for each in temperatures])
                if not len(confusion):
                    confusion = torch.zeros(classes**2, dtype=torch.int64, device=device)
                # bincount would wait for the device
                confusion.scatter_add_(0, labels * classes + logits.argmax(1), torch.ones_like(labels))
        classes = greatest(classes, device=device)
        if not classes:
            raise InvalidData("evaluation data holds no batch, needs at least one; nothing was measured")
        if not len(confusion):  # of a rank that had no turn
            confusion = torch.zeros(classes**2, dtype=torch.int64, device=device)
        add_up(losses, confusion)
    return losses, confusion.cpu()


def _entropy(logits: Tensor, labels: Tensor) -> Tensor:
    return functional.cross_entropy(logits, labels, reduction="sum").to(wide(logits.device))


def predict(model: nn.Module, batches: Batches) -> Tensor:
    """Give the predicted class of every sample, N int64 on the CPU, in the order of the batches.

    Raises InvalidData without batches.
    """
    with mode(model, "eval"), torch.no_grad():
        pieces = Pieces()
        classes = [
            logits.argmax(1)
            for batch in batches
            for logits, _ in pieces.fit(batch, partial(_all_logits, model), undo=_nothing)
        ]
    if not classes:
        raise InvalidData("data to predict holds no batch, needs at least one; nothing was predicted")
    return torch.cat(classes).cpu()


def _all_logits(model: nn.Module, pieces: list[Batch]) -> list[tuple[Tensor, Tensor]]:
    return [logits_of(model, piece) for piece in pieces]


def _nothing() -> None:
    """There is nothing to undo."""


def _metrics(model: nn.Module, loss: float, cells: Tensor) -> Metrics:
    classes = round(len(cells) ** 0.5)
    confusion = cells.view(classes, classes)
    samples = int(confusion.sum())
    need_finite(loss / samples, model, role="evaluated model")
    return Metrics(
        accuracy=int(confusion.diagonal().sum()) / samples,
        loss=loss / samples,
        samples=samples,
        confusion=tuple(tuple(row) for row in confusion.tolist()),
    )
