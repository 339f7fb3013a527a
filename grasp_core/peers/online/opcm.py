"""OPCM: a new source adds only what is orthogonal to the merge so far."""

import torch
from torch import Tensor

from grasp_core.peers.merges.merge import VectorMerge
from grasp_core.peers.merges.vectors import by_tensor, flat
from grasp_core.peers.peer import Task

ALPHA = 0.5  # share of the singular values' sum whose directions are closed to newcomers


def cleaned(new: Tensor, merged: Tensor, *, alpha: float) -> Tensor:
    """Take from an m x n matrix what lies along another one's singular directions.

    With merged = U S V^T and P = U^T new V, the diagonal of P and its top left r x r block are made 0, r
    being how many leading singular values together stay within alpha of the sum of all.
    """
    if not merged.any():
        return new
    u, s, vh = torch.linalg.svd(merged, full_matrices=False)
    r = int((s.cumsum(0) <= alpha * s.sum()).sum())
    taken = u.T @ new @ vh.T
    kept = torch.ones_like(taken, dtype=torch.bool).fill_diagonal_(fill_value=False)
    kept[:r, :r] = False
    orthogonal: Tensor = new - u @ taken.masked_fill(kept, 0.0) @ vh
    return orthogonal


class Opcm(VectorMerge):
    """tau_t = (l_(t-1) * tau_(t-1) + P(v_t)) / l_t: v_t is the newcomer's task vector, P cleans its matrices.

    l_t makes the length of tau_t the mean length of v_1 ... v_t; l_1 = 1. Matrices: the weights of linear
    layers, and those of convolutions as (out x rest); of all other tensors P takes nothing. The published
    code leaves convolutions unprojected, having none that matter.
    Keeps tau beside the ancestor; one singular value decomposition of every matrix and one fine-tune per
    source. Source: arXiv:2501.09522 (OPCM).
    """

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.tau = torch.zeros_like(flat(self.model))
        self.scale = 1.0
        self.lengths: list[float] = []

    def add(self, vector: Tensor) -> None:
        """Add what is new in the vector; give the sum its length back."""
        self.lengths.append(float(vector.norm()))
        ours = by_tensor(self.tau, self.model)
        for name, piece in by_tensor(vector, self.model).items():
            if piece.ndim > 1:
                rows = len(piece)
                new = cleaned(piece.reshape(rows, -1), ours[name].reshape(rows, -1), alpha=ALPHA)
                piece.copy_(new.view_as(piece))
        self.tau.mul_(self.scale).add_(vector)
        length = float(self.tau.norm())
        if length > 0:
            self.scale = length * len(self.lengths) / sum(self.lengths)
            self.tau.div_(self.scale)

    def merged_vector(self) -> Tensor:
        """Copy tau."""
        return self.tau.clone()
