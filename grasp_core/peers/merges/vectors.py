"""A network's parameters as one vector, and what a source has learned since its ancestor."""

import copy

import torch
from torch import BoolTensor, Tensor, nn


def flat(model: nn.Module) -> Tensor:
    """Copy all parameters into one vector, in the order of named_parameters."""
    return torch.cat([parameter.detach().reshape(-1) for parameter in model.parameters()])


def by_tensor(vector: Tensor, model: nn.Module) -> dict[str, Tensor]:
    """View the pieces of a vector under the names and in the shapes of the model's parameters."""
    sizes = [parameter.numel() for parameter in model.parameters()]
    named = zip(model.named_parameters(), torch.split(vector, sizes), strict=True)
    return {name: piece.view_as(parameter) for (name, parameter), piece in named}


def with_parameters(model: nn.Module, vector: Tensor) -> nn.Module:
    """Copy the model, with the vector as its parameters and its own buffers."""
    other = copy.deepcopy(model)
    pieces = by_tensor(vector, other)
    with torch.no_grad():
        for name, parameter in other.named_parameters():
            parameter.copy_(pieces[name])
    return other


def largest(vector: Tensor, share: float) -> BoolTensor:
    """Mark the elements of largest magnitude, this share of them, one at least; equals of the last too."""
    count = max(1, round(share * vector.numel()))
    last = vector.abs().kthvalue(vector.numel() - count + 1).values
    marks: BoolTensor = vector.abs() >= last  # type: ignore[assignment]
    return marks
