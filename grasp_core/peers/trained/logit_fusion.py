"""Logit fusion: all sources live, the mean of their logits, trained together."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from grasp_core.peers.peer import Load, Memory, Peer, Task


class MeanOfLogits(nn.Module):
    """Predicts with the mean of its members' logits."""

    def __init__(self) -> None:
        super().__init__()
        self.members = nn.ModuleList()

    def forward(self, images: Tensor) -> Tensor:
        """Map N x C x H x W images to N x num_classes logits."""
        return torch.stack([member(images) for member in self.members]).mean(0)


class LogitFusion(Peer):
    """logits = (1 / K) * sum_k f_k(x), all K networks fine-tuned jointly on the labels, the newcomer added.

    What GRASP's published code does under the name of fusion. 5 K parameter sizes while it trains (weights,
    gradients, two moments, the best epoch), 4 K with snapshots on disk; K networks are served. One budget of
    epochs per source, each epoch K times the passes. Batch norm stays what each network has and trains.
    Source: published code of GRASP, arXiv:2606.14900, "fusion".
    """

    memory: ClassVar[Memory] = "O(K)"

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.model = self.together = MeanOfLogits()

    def meet(self, load_source: Load) -> int:
        """Add the source, train all on."""
        self.together.members.append(load_source())
        return len(self.together.members) * self.tune(self.together)
