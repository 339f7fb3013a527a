"""Let a model compute as levers say, wherever it goes."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import replace
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from grasp_core.levers import OFF, Levers

M = TypeVar("M", bound=nn.Module)
_KEPT = "levers"  # in the module's own dictionary: copies have it, state_dict and files do not


def equip(model: M, levers: Levers) -> M:
    """Give a model its levers, in place; its tensors take the layout that they ask for."""
    vars(model)[_KEPT] = levers
    if levers.channels_last:
        model.to(memory_format=torch.channels_last)
    return model


def levers_of(model: nn.Module) -> Levers:
    """Give a model's levers; all off where none were given."""
    levers = vars(model).get(_KEPT, OFF)
    return levers if isinstance(levers, Levers) else OFF


@contextmanager
def full_precision(model: nn.Module) -> Iterator[None]:
    """Compute in the model's own dtype for a while, as whoever serves it does."""
    levers = levers_of(model)
    vars(model)[_KEPT] = replace(levers, bf16=False)
    try:
        yield
    finally:
        vars(model)[_KEPT] = levers


def arranged(images: Tensor, levers: Levers) -> Tensor:
    """Lay images out as the model's tensors lie."""
    wanted = levers.channels_last and images.dim() == 4
    return images.contiguous(memory_format=torch.channels_last) if wanted else images


def cast(device: torch.device, levers: Levers) -> AbstractContextManager[Any]:
    """Compute forward passes in bfloat16 where that is safe, if levers say so."""
    return torch.autocast(device.type, torch.bfloat16) if levers.bf16 else nullcontext()


def compiled(model: nn.Module, *, passes: int) -> nn.Module:
    """Give the model as torch.compile makes it, when so many gradient passes pay for that; else itself.

    Parameters are shared. Hooks have to be registered before.
    """
    levers = levers_of(model)
    if levers.compile_from is None or passes < levers.compile_from:
        return model
    fast: nn.Module = torch.compile(model, dynamic=False)  # type: ignore[assignment]
    vars(fast)[_KEPT] = levers
    return fast


@contextmanager
def kernels(levers: Levers) -> Iterator[None]:
    """Choose among the device's kernels as levers say; afterwards torch's switches are as they were.

    Deterministic kernels on CUDA need CUBLAS_WORKSPACE_CONFIG=:4096:8 in the environment.
    """
    before = torch.are_deterministic_algorithms_enabled()
    with ExitStack() as stack:
        if levers.benchmark or levers.deterministic:
            stack.enter_context(
                torch.backends.cudnn.flags(
                    enabled=True,
                    benchmark=levers.benchmark and not levers.deterministic,
                    deterministic=levers.deterministic,
                )
            )
        if levers.deterministic:
            torch.use_deterministic_algorithms(True)
            stack.callback(torch.use_deterministic_algorithms, before)
        yield
