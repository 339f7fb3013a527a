"""Let a model compute as levers say, wherever it goes."""

import ctypes
import platform
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import replace
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from grasp_core.levers import OFF, Levers

M = TypeVar("M", bound=nn.Module)
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # of mallopt(3)
KEPT_BYTES = 2**30  # a tensor of so many is mapped by itself, and more at the heap's end is given back
USUAL_BYTES = {MMAP_THRESHOLD: 2**25, TRIM_THRESHOLD: 2**26}  # what glibc adapts itself to at most
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
    """Choose kernels and what becomes of freed memory as levers say; afterwards all is as it was.

    Deterministic kernels on CUDA need CUBLAS_WORKSPACE_CONFIG=:4096:8 in the environment.
    """
    before = torch.are_deterministic_algorithms_enabled()
    with ExitStack() as stack:
        if levers.keep_memory:
            stack.enter_context(freed_memory_kept())
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


@contextmanager
def freed_memory_kept() -> Iterator[None]:
    """Let glibc keep large blocks that are freed, in this process and for a while; then all are given back.

    By itself it maps each large tensor anew, and the system clears its pages anew, at every step. With
    another C library nothing changes. Source: mallopt(3).
    """
    libc = _glibc()
    if libc is None:
        yield
        return
    for option in USUAL_BYTES:
        libc.mallopt(option, KEPT_BYTES)
    try:
        yield
    finally:
        for option, usual in USUAL_BYTES.items():
            libc.mallopt(option, usual)
        libc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    return ctypes.CDLL(None) if platform.libc_ver()[0] == "glibc" else None
