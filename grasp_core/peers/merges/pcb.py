"""PCB: parameters compete, within their source and between sources; the losers are dropped."""

import torch
from torch import Tensor

from grasp_core.peers.merges.merge import KeptVectors
from grasp_core.peers.merges.vectors import largest

DENSITY = 0.2  # share of each source's parameters that is kept
SCALE = 1.0  # of the merged vector


def normed(values: Tensor) -> Tensor:
    """Map values linearly to [0, 1]; all 0 where they are equal."""
    low, high = values.aminmax()
    return (values - low) / (high - low) if high > low else torch.zeros_like(values)


def competition(vectors: list[Tensor], own: int) -> Tensor:
    """Score the elements of one of N task vectors: softmax(N * norm(t * t)) * sum_j softmax(norm(t * t_j)).

    The first factor is large where the source itself moved far (intra-balancing), the second where it moved
    as others did (inter-balancing, j runs over all N). For norm see normed; softmax runs over all elements.
    """
    vector = vectors[own]
    within = (len(vectors) * normed(vector * vector)).softmax(0)
    between = torch.zeros_like(vector)
    for other in vectors:
        between += normed(vector * other).softmax(0)
    return within * between


def balanced(vectors: list[Tensor], *, density: float) -> Tensor:
    """Give sum_i s_i * t_i / sum_i s_i per element, with s_i the scores of competition.

    Of each source the density largest scores are kept, the others are 0; 0 where no source is left.
    """
    total, weights = torch.zeros_like(vectors[0]), torch.zeros_like(vectors[0])
    for own, vector in enumerate(vectors):
        scores = competition(vectors, own)
        scores *= largest(scores, density)
        weights += scores
        total += scores * vector
    return torch.where(weights > 0, total / weights.clamp(min=torch.finfo(weights.dtype).tiny), 0.0)


class Pcb(KeptVectors):
    """tau = SCALE * balanced(task vectors).

    Keeps all K task vectors beside the ancestor; scores of one source at a time. K^2 passes over the
    parameters and one fine-tune per source. The paper also searches a scale per source by evolution; here
    the fine-tune takes that place. Where the published code replaces the softmaxes by exp and tanh, this
    follows the paper. Source: PCB-Merging, arXiv:2410.02396.
    """

    def merged_vector(self) -> Tensor:
        """Let the vectors compete."""
        return SCALE * balanced(self.vectors, density=DENSITY)
