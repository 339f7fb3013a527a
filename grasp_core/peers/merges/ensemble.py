"""Ensemble: all sources together."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from grasp_core.peers.peer import Load, Memory, Peer, Task


class MeanOfProbabilities(nn.Module):
    """Predicts the mean of its members' class probabilities; its logits are their logarithms."""

    def __init__(self) -> None:
        super().__init__()
        self.members = nn.ModuleList()

    def forward(self, images: Tensor) -> Tensor:
        """Map N x C x H x W images to N x num_classes log-probabilities."""
        logs = torch.stack([member(images).log_softmax(1) for member in self.members])
        return logs.logsumexp(0) - torch.tensor(float(len(self.members))).log()


class Ensemble(Peer):
    """Mean of the K sources' probabilities; it sees no labels, and keeps every source alive.

    Source: GRASP, arXiv:2606.14900, ensemble baseline.
    """

    memory: ClassVar[Memory] = "O(K)"

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.model = self.together = MeanOfProbabilities()

    def meet(self, load_source: Load) -> int:
        """Add the source."""
        self.together.members.append(load_source())
        return 0


class EnsembleFineTuned(Ensemble):
    """The same of sources that are each fine-tuned on the labels: one fine-tune per source.

    The strong peer when K models may be kept and run.
    """

    def meet(self, load_source: Load) -> int:
        """Add the source, fine-tuned."""
        source = load_source()
        passes = self.tune(source)
        self.together.members.append(source)
        return passes
