"""The processes (ranks) that compute one absorb together; a process alone sends nothing."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch import distributed as dist


def world() -> int:
    """Count the ranks."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """Say which of them this process is, from 0 on."""
    return dist.get_rank() if world() > 1 else 0


def add_up(*tensors: Tensor) -> None:
    """Make each tensor its sum over all ranks, in place; all ranks then hold the same bits."""
    if world() == 1:
        return
    with torch.no_grad():
        sent = [tensor.contiguous() for tensor in tensors]  # itself, unless its layout is another
        for work in [dist.all_reduce(part, async_op=True) for part in sent]:
            work.wait()
        for tensor, part in zip(tensors, sent, strict=True):
            if part is not tensor:
                tensor.copy_(part)


def greatest(number: int, *, device: torch.device) -> int:
    """Give the greatest of a number that each rank has."""
    if world() == 1:
        return number
    told = torch.tensor(number, device=device)
    dist.all_reduce(told, dist.ReduceOp.MAX)
    return int(told)


def as_first(numbers: Sequence[float], *, device: torch.device) -> list[float]:
    """Give the numbers as rank 0 has them, so that a threshold parts them alike everywhere."""
    if world() == 1:
        return list(numbers)
    told = torch.tensor(numbers, dtype=torch.float64, device=device)
    dist.broadcast(told, src=0)
    return [float(number) for number in told.cpu()]


def agree(model: nn.Module) -> None:
    """Give a model rank 0's parameters and buffers, in place."""
    if world() == 1:
        return
    with torch.no_grad():
        for tensor in model.state_dict().values():
            sent = tensor.contiguous()
            dist.broadcast(sent, src=0)
            if sent is not tensor:
                tensor.copy_(sent)
