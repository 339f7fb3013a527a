"""DOGE: one correction of all task vectors, found without data, outside of what they share."""

import torch
from torch import Tensor

from grasp_core.peers.merges.merge import KeptVectors
from grasp_core.peers.merges.vectors import by_tensor, largest

ETA = 0.3  # length of each scaled matrix, over the mean length of that matrix's task vectors
DENSITY = 0.3  # share of each task vector that is kept in the end
SHARED = 6  # one in so many directions belongs to the shared subspace
STEPS, RATE = 100, 0.3  # of Adam (published: 400); the rate over the root mean square of the elements


def shared_directions(matrices: Tensor) -> Tensor:
    """Give m x r orthonormal columns: the main left directions of K matrices' main left directions.

    matrices: K x m x n. Each gives min(m, n) / K of its own; r is min(m, n) / SHARED; one at least.
    """
    count, smaller = len(matrices), min(matrices.shape[1:])
    left = torch.linalg.svd(matrices, full_matrices=False).U[:, :, : max(1, smaller // count)]
    shared: Tensor = torch.linalg.svd(torch.cat(list(left), dim=1), full_matrices=False).U
    return shared[:, : max(1, smaller // SHARED)]


def slope(matrices: Tensor, scales: Tensor, correction: Tensor) -> Tensor:
    """Give the gradient, by the correction d, of sum_j sum_rows <t_j, t_j - sum_i s_i (t_i + d)>^2.

    matrices: the K task vectors t, K x m x n; scales: the K numbers s. The inner product is taken row by row.
    It says how far the merge is from each source along the way that the source went.
    """
    merge = torch.einsum("k,kmn->mn", scales, matrices) + scales.sum() * correction
    gaps = torch.einsum("kmn,kmn->km", matrices, matrices - merge)
    return -2 * scales.sum() * torch.einsum("km,kmn->mn", gaps, matrices)


def corrected(matrices: Tensor, scales: Tensor) -> Tensor:
    """Find the correction by Adam, kept orthogonal to the shared directions, from 0.

    The published code frees the gradient alone of them, which Adam's scaling of single elements undoes.
    """
    shared = shared_directions(matrices)
    correction = torch.zeros_like(matrices[0]).requires_grad_()
    rate = RATE * float(matrices.pow(2).mean().sqrt())
    optimizer = torch.optim.Adam([correction], lr=rate)
    for _ in range(STEPS):
        gradient = slope(matrices, scales, correction.detach())
        correction.grad = gradient - shared @ (shared.T @ gradient)
        optimizer.step()
        with torch.no_grad():
            correction -= shared @ (shared.T @ correction)
    return correction.detach()


class Doge(KeptVectors):
    """tau = sum_i s_i * mask_i * (t_i + d), matrix by matrix; s_i = ETA * mean_j |t_j| / |t_i|.

    mask_i keeps the DENSITY largest elements of a source's task vector; d as corrected finds it. Of tensors
    that are no matrices (norms, biases) tau is the mean. ETA and RATE are relative to the task vectors' own
    size; the published code has lengths tuned for CLIP (0.07, rate 1e-4).
    Keeps all K task vectors beside the ancestor. STEPS passes over them, 1 + 1/K decompositions of each
    matrix, and one fine-tune per source. Source: arXiv:2501.01230 (DOGE, on task arithmetic).
    """

    def merged_vector(self) -> Tensor:
        """Correct and add up, tensor by tensor."""
        merged = torch.zeros_like(self.vectors[0])
        ours = [by_tensor(vector, self.model) for vector in self.vectors]
        kept = [by_tensor(largest(vector, DENSITY), self.model) for vector in self.vectors]
        for name, piece in by_tensor(merged, self.model).items():
            tensors = torch.stack([each[name] for each in ours])
            if piece.ndim > 1 and tensors.any():
                masks = torch.stack([each[name] for each in kept])
                piece.copy_(combined(tensors.flatten(2), masks.flatten(2)).view_as(piece))
            else:
                piece.copy_(tensors.mean(0))
        return merged


def combined(matrices: Tensor, masks: Tensor) -> Tensor:
    """Merge one matrix of K sources; masks: of the same shape, what is kept of each."""
    lengths = matrices.flatten(1).norm(dim=1)
    scales = torch.where(lengths > 0, ETA * lengths.mean() / lengths, 0.0)
    return torch.einsum("k,kmn->mn", scales, (matrices + corrected(matrices, scales)) * masks)
