"""TIES: trim every task vector, elect a sign per element, average what agrees with it."""

import torch
from torch import Tensor

from grasp_core.peers.merges.merge import VectorMerge
from grasp_core.peers.merges.vectors import flat, largest
from grasp_core.peers.peer import Task

DENSITY = 0.2  # share of each task vector that is kept
SCALE = 1.0  # of the merged vector; both as the paper has them where nothing is tuned


class Tally:
    """Sums and counts of the positive and of the negative elements that came, so that none is kept."""

    def __init__(self, like: Tensor) -> None:
        self.sums = like.new_zeros(2, *like.shape)
        self.counts = like.new_zeros(2, *like.shape, dtype=torch.int16)

    def add(self, vector: Tensor) -> None:
        """Count a trimmed vector in."""
        for row, chosen in enumerate((vector > 0, vector < 0)):
            self.sums[row] += vector * chosen
            self.counts[row] += chosen

    def elected(self) -> Tensor:
        """Give, per element, the mean of the values whose sign is that of the sum of all; 0 for a tie."""
        means = self.sums / self.counts.clamp(min=1)
        total = self.sums.sum(0)
        return torch.where(total > 0, means[0], torch.where(total < 0, means[1], 0.0))


class Ties(VectorMerge):
    """tau = SCALE * the mean, per element, of the trimmed task vectors' values of the elected sign.

    Trimmed: all but the DENSITY largest magnitudes of a vector, over all tensors, are 0. The sums and counts
    that the mean needs are kept instead of the vectors, so memory does not grow: the ancestor and three
    parameter sizes beside the served model. One fine-tune per source.
    Source: TIES-Merging, arXiv:2306.01708.
    """

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.tally = Tally(flat(self.model))

    def add(self, vector: Tensor) -> None:
        """Count what is left of the vector after trimming."""
        self.tally.add(vector * largest(vector, DENSITY))

    def merged_vector(self) -> Tensor:
        """Give the elected means."""
        return SCALE * self.tally.elected()
