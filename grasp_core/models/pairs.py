"""Whether a source and a target fit, tensor by tensor."""

import torch
from torch import Tensor, nn

from grasp_core.errors import BrokenTarget, IncompatibleSource, TerminalError
from grasp_core.models.loss import first_non_finite


def check_pair(source: nn.Module, target: nn.Module) -> None:
    """Check that two models have the same tensors, and only finite values.

    Raises IncompatibleSource that names the first tensor at fault: absent, unknown, of another shape or
    dtype, or with NaN or infinite values; BrokenTarget when the target holds such values. Both models stay
    as they are.
    """
    found, needed = source.state_dict(), target.state_dict()
    for name in needed:
        if name not in found:
            raise IncompatibleSource(f"source has no tensor {name}, the target needs it; nothing was changed")
        check_tensors(name, found[name], needed[name])
    for name in found:
        if name not in needed:
            raise IncompatibleSource(f"source has a tensor {name}, the target has none; nothing was changed")
    at_fault: tuple[tuple[str, nn.Module, type[TerminalError]], ...] = (
        ("source", source, IncompatibleSource),
        ("target", target, BrokenTarget),
    )
    for role, model, kind in at_fault:
        broken = first_non_finite(model)
        if broken is not None:
            raise kind(
                f"{role}: tensor {broken} has NaN or infinite values, needs finite ones; nothing was changed"
            )


def check_tensors(name: str, found: Tensor, needed: Tensor) -> None:
    """Check that two tensors of one name have the same shape and dtype; raises IncompatibleSource."""
    if found.shape != needed.shape:
        raise IncompatibleSource(
            f"source: tensor {name} is {tuple(found.shape)}, target needs {tuple(needed.shape)}; "
            "nothing was changed"
        )
    if found.dtype != needed.dtype:
        raise IncompatibleSource(
            f"source: tensor {name} is {found.dtype}, target needs {needed.dtype}; nothing was changed"
        )


def check_finite(name: str, tensor: Tensor) -> None:
    """Check that a tensor of the source has only finite values; raises IncompatibleSource."""
    if not bool(torch.isfinite(tensor).all()):
        raise IncompatibleSource(
            f"source: tensor {name} has NaN or infinite values, needs finite ones; nothing was changed"
        )
