"""Measure a model on labelled images."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from grasp_core.data.batches import Batches
from grasp_core.errors import InvalidData
from grasp_core.models.loss import device_of, logits_of, need_finite
from grasp_core.models.modes import mode


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

    Raises InvalidData without batches, NonFiniteLoss when the mean loss is NaN or infinite.
    """
    loss = torch.zeros((), dtype=torch.float64, device=device_of(model))
    confusion: Tensor | None = None
    with mode(model, "eval"), torch.inference_mode():
        for batch in batches:
            logits, labels = logits_of(model, batch)
            classes = logits.shape[1]
            loss += functional.cross_entropy(logits, labels, reduction="sum").double()
            cells = torch.bincount(labels * classes + logits.argmax(1), minlength=classes**2)
            confusion = cells if confusion is None else confusion + cells
    if confusion is None:
        raise InvalidData("evaluation data holds no batch, needs at least one; nothing was measured")
    return _metrics(model, float(loss), confusion.cpu())


def predict(model: nn.Module, batches: Batches) -> Tensor:
    """Give the predicted class of every sample, N int64 on the CPU, in the order of the batches.

    Raises InvalidData without batches.
    """
    with mode(model, "eval"), torch.no_grad():
        classes = [logits_of(model, batch)[0].argmax(1).cpu() for batch in batches]
    if not classes:
        raise InvalidData("data to predict holds no batch, needs at least one; nothing was predicted")
    return torch.cat(classes)


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
