"""Sources that can only do harm, with the shapes of the digits benchmark's network."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import torch
from torch import nn

from benchmarks.accuracy.worlds import learn, mislabelled
from grasp_core.data import digits
from grasp_core.data.digits import Split
from grasp_core.models.architectures import build
from grasp_core.seed import derive
from grasp_core.training.sources import SourceTrainingConfig

GOOD = SourceTrainingConfig(epochs=15, warm_up_epochs=1, lr=3e-3, head_factor=1.0)
HARM = replace(GOOD, epochs=8)
STRENGTH = 1.0

Make = Callable[[nn.Module, int], nn.Module]


def good(seed: int) -> nn.Module:
    """Train the source that becomes the first champion, on the period before the target's."""
    with torch.random.fork_rng():
        torch.manual_seed(derive(seed, "untrained"))
        model = build("grasp/digits-cnn", in_channels=1, num_classes=10)
    learn(model, digits.source(4, of=4, strength=STRENGTH, seed=seed), GOOD, seed=seed)
    return model


def wrong_labels(ancestor: nn.Module, seed: int) -> nn.Module:
    """Train on from the ancestor with labels dealt out at random."""
    return _taught(ancestor, mislabelled(_period(seed), seed=seed), seed=seed)


def other_task(ancestor: nn.Module, seed: int) -> nn.Module:
    """Train on from the ancestor to tell how much ink an image has, in ten classes."""
    period = _period(seed)
    ink = period.images.reshape(len(period.labels), -1).sum(axis=1, dtype=np.int64)
    ranks = ink.argsort().argsort() * 10 // len(ink)
    return _taught(ancestor, replace(period, labels=ranks.astype(np.int64)), seed=seed)


def noise(ancestor: nn.Module, seed: int) -> nn.Module:
    """Draw every parameter from a normal distribution as wide as the ancestor's."""
    model, order = copy.deepcopy(ancestor), torch.Generator().manual_seed(derive(seed, "noise"))
    with torch.no_grad():
        for parameter in model.parameters():
            scale = parameter.std() if parameter.numel() > 1 else 1.0
            parameter.copy_(torch.randn(parameter.shape, generator=order) * scale)
    return model


def _period(seed: int) -> Split:
    return digits.source(3, of=4, strength=STRENGTH, seed=seed)


def _taught(ancestor: nn.Module, period: Split, *, seed: int) -> nn.Module:
    model = copy.deepcopy(ancestor)
    learn(model, period, HARM, seed=seed)
    return model


HARMFUL: Mapping[str, Make] = MappingProxyType(
    {"wrong_labels": wrong_labels, "other_task": other_task, "noise": noise}
)
