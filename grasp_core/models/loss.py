"""Cross-entropy of a model on one batch, with the checks that make a bad batch or model speak."""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from grasp_core.data.batches import Batch
from grasp_core.errors import InvalidData, NonFiniteLoss
from grasp_core.models.equip import arranged, cast, levers_of

Reduction = Literal["mean", "sum"]


def device_of(model: nn.Module) -> torch.device:
    """Name the device that a model's parameters are on."""
    return next(model.parameters()).device


def wide(device: torch.device) -> torch.dtype:
    """Name the widest float that a device adds up in."""
    return torch.float32 if device.type == "mps" else torch.float64


def logits_of(model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
    """Run a model on a batch, on the model's device and in its dtype; give N x K logits and N labels.

    Raises InvalidData when images are no floats, when a label lies outside [0, K), or when one image is too
    few for the model as it trains.
    """
    images, labels = batch
    weight = next(model.parameters())
    if not images.is_floating_point():
        raise InvalidData(f"images are {images.dtype}, a model needs normalised floats; the batch is refused")
    if images.shape[0] != labels.shape[0] or labels.shape[0] == 0:
        raise InvalidData(
            f"batch of {images.shape[0]} images, {labels.shape[0]} labels; needs as many, not 0"
        )
    levers, wait = levers_of(model), weight.device.type == "cpu"
    images = arranged(images.to(weight.device, weight.dtype, non_blocking=not wait), levers)
    with cast(weight.device, levers):
        logits = _forward(model, images)
    lowest, highest = int(labels.min()), int(labels.max())
    if lowest < 0 or highest >= logits.shape[1]:
        raise InvalidData(
            f"labels lie in [{lowest}, {highest}], needs [0, {logits.shape[1]}); the batch is refused"
        )
    return logits.to(weight.dtype), labels.to(weight.device, torch.int64, non_blocking=not wait)


def _forward(model: nn.Module, images: Tensor) -> Tensor:
    try:
        logits: Tensor = model(images)
    except ValueError as error:
        normed = any(isinstance(m, nn.BatchNorm1d) and m.training for m in model.modules())
        if images.shape[0] > 1 or not normed:
            raise
        raise InvalidData(
            f"one image to train on ({error}): batch norm on vectors needs two; the batch is refused"
        ) from error
    return logits


def cross_entropy(model: nn.Module, batch: Batch, *, reduction: Reduction) -> Tensor:
    """Give a model's cross-entropy on a batch, as a scalar with its graph; it may be non-finite."""
    logits, labels = logits_of(model, batch)
    return functional.cross_entropy(logits, labels, reduction=reduction)


def need_finite(loss: float, model: nn.Module, *, role: str) -> None:
    """Raise NonFiniteLoss, naming the tensor at fault, unless the loss is a finite number."""
    if loss - loss == 0:  # false for NaN and for both infinities
        return
    broken = first_non_finite(model)
    fault = (
        f"tensor {broken} has NaN or infinite values" if broken else "its tensors are finite, its logits not"
    )
    raise NonFiniteLoss(f"{role}: loss is {loss}: {fault}; needs a finite loss; this step is given up")


def need_finite_tensors(model: nn.Module, *, role: str) -> None:
    """Raise NonFiniteLoss, naming the tensor, when a model has come to hold NaN or infinite values."""
    broken = first_non_finite(model)
    if broken is not None:
        raise NonFiniteLoss(
            f"{role}: tensor {broken} has come to NaN or infinite values, needs finite ones; it is given up"
        )


def first_non_finite(model: nn.Module) -> str | None:
    """Name the first parameter or buffer that holds NaN or infinity, or None."""
    for name, tensor in model.state_dict().items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            return name
    return None
