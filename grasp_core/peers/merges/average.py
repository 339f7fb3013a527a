"""Average: the uniform mean of all sources' weights."""

import copy

import torch
from torch import nn

from grasp_core.data.target import Labels
from grasp_core.models.batchnorm import recalibrate
from grasp_core.peers.peer import Load, Peer, Task


def stir_in(mean: nn.Module, newcomer: nn.Module, *, count: int) -> None:
    """Make mean, of count - 1 models, the mean of count models, in place: parameters and float buffers."""
    theirs = newcomer.state_dict()
    with torch.no_grad():
        for name, tensor in mean.state_dict().items():
            if tensor.is_floating_point():
                tensor.lerp_(theirs[name], 1 / count)
            else:
                tensor.copy_(theirs[name])  # a counter of batches


class Average(Peer):
    """Mean of the sources' weights in a stream, batch norm recalibrated on the labels, then fine-tuned.

    Two models (the mean and the served one), one fine-tune per source.
    Source: uniform soup, arXiv:2203.05482 (Model soups).
    """

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.mean = task.build()
        self.met = 0

    def meet(self, load_source: Load) -> int:
        """Stir the source into the mean; serve a fine-tuned copy of that."""
        self.met += 1
        stir_in(self.mean, load_source(), count=self.met)
        self.model = copy.deepcopy(self.mean)
        self.prepare(self.model)
        return self.tune(self.model)

    def prepare(self, model: nn.Module) -> None:
        """Measure batch-norm statistics anew: those of a mean of weights are no mean of statistics."""
        recalibrate(model, Labels(self.task.data, self.task.config.batch_size))
