"""Batch-norm statistics, measured anew on given inputs."""

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from grasp_core.data.batches import Batches
from grasp_core.errors import InvalidData
from grasp_core.models.loss import logits_of, need_finite_tensors
from grasp_core.models.modes import mode


def recalibrate(model: nn.Module, batches: Batches) -> None:
    """Replace running means and variances by their average over batches, weighted by samples, in place.

    Parameters stay as they are; so do flags. Everything but batch norm is in eval mode meanwhile. A model
    without batch-norm statistics is left alone. Raises InvalidData without batches, NonFiniteLoss when the
    activations overflow.
    """
    norms = [m for m in model.modules() if isinstance(m, _BatchNorm) and m.track_running_stats]
    if not norms:
        return
    momenta = [norm.momentum for norm in norms]
    seen = 0
    try:
        with mode(model, "eval"), torch.no_grad():
            for norm in norms:
                norm.reset_running_stats()
                norm.training = True
            for images, labels in batches:
                seen += len(labels)
                for norm in norms:
                    norm.momentum = len(labels) / seen
                logits_of(model, (images, labels))
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
    if seen == 0:
        raise InvalidData("recalibration data holds no batch, needs at least one; statistics were reset")
    need_finite_tensors(model, role="recalibrated model")
