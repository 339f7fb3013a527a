"""Take from a source the parameters that agree."""

from collections.abc import Collection, Mapping

import torch
from torch import nn

from grasp_core.errors import IncompatibleSource
from grasp_core.models.pairs import check_finite, check_tensors


def select(scores: Mapping[str, float], *, threshold: float) -> frozenset[str]:
    """Name the tensors whose score is strictly above the threshold.

    Source: GRASP, arXiv:2606.14900.
    """
    return frozenset(name for name, score in scores.items() if score > threshold)


def transfer(source: nn.Module, target: nn.Module, names: Collection[str]) -> int:
    """Copy whole parameter tensors from source to target, in place; give the number of scalars copied.

    Buffers (batch-norm statistics) stay the target's.
    Raises IncompatibleSource, before anything is copied, when a name is no parameter of both, or shapes,
    dtypes or values do not fit.
    Source: GRASP, arXiv:2606.14900.
    """
    ours, theirs = dict(source.named_parameters()), dict(target.named_parameters())
    chosen = sorted(set(names))
    for name in chosen:
        if name not in ours or name not in theirs:
            raise IncompatibleSource(
                f"{name} is not a parameter of both source and target; no tensor was copied"
            )
        check_tensors(name, ours[name], theirs[name])
        check_finite(name, ours[name])
    with torch.no_grad():
        for name in chosen:
            theirs[name].copy_(ours[name])
    return sum(theirs[name].numel() for name in chosen)
