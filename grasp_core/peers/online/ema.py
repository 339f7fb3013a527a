"""EMA: an exponential moving average of the sources, the newest counting most."""

import copy

import torch
from torch import nn

from grasp_core.peers.merges.merge import Merge
from grasp_core.peers.peer import Task

NEWEST = 0.5  # weight of the newest source


def move_toward(average: nn.Module, newest: nn.Module, *, weight: float) -> None:
    """Make average (1 - weight) * average + weight * newest, in place: parameters and float buffers."""
    theirs = newest.state_dict()
    with torch.no_grad():
        for name, tensor in average.state_dict().items():
            if tensor.is_floating_point():
                tensor.lerp_(theirs[name], weight)
            else:
                tensor.copy_(theirs[name])  # a counter of batches


class Ema(Merge):
    """m_1 = theta_1; m_t = (1 - NEWEST) * m_(t-1) + NEWEST * theta_t.

    Two models (the average and the served one), one fine-tune per source. What the paper finds best over
    time, in its deployment; starting each source's training from m as well is up to who trains the sources.
    Source: "How to Merge Your Multimodal Models Over Time?", arXiv:2412.06712.
    """

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.average = task.build()
        self.met = 0

    def take(self, source: nn.Module) -> int:
        """Move the average toward the source; the first source is all of it."""
        move_toward(self.average, source, weight=NEWEST if self.met else 1.0)
        self.met += 1
        return 0

    def merged(self) -> nn.Module:
        """Copy the average."""
        return copy.deepcopy(self.average)
