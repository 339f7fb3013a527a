"""Batch norm over a batch that lies on several ranks: its statistics are those of the whole batch."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from grasp_core.ranks.world import add_up


class WholeBatch(TorchFunctionMode):
    """While it is entered, batch norm in train mode takes all ranks' samples for one batch.

    It stands before `functional.batch_norm`, which every layer calls whatever its class. torch's own
    SyncBatchNorm computes on GPUs only.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Let everything but batch norm pass."""
        call = _batch_norm if func is functional.batch_norm else func
        return call(*args, **(kwargs or {}))


def _batch_norm(
    inputs: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Do what functional.batch_norm does, over all ranks where it trains."""
    if not training:
        return functional.batch_norm(inputs, running_mean, running_var, weight, bias, training, momentum, eps)
    with torch.no_grad():
        count, mean, var = _moments(inputs)
        for running, seen in ((running_mean, mean), (running_var, var * count / (count - 1))):
            if running is not None:
                running.lerp_(seen.to(running.dtype), momentum)
    normed: Tensor = _Normalise.apply(inputs, weight, bias, mean, var, count, eps)
    return normed


def _moments(inputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Give values per channel, mean and biased variance over all ranks; sums are in float64."""
    axes = _all_but_channels(inputs)
    count = torch.tensor([inputs.numel() // inputs.shape[1]], dtype=torch.float64, device=inputs.device)
    total = inputs.sum(axes, dtype=torch.float64)
    near = (total / count).to(inputs.dtype)
    spread = (inputs - _per_channel(near, inputs)).square().sum(axes, dtype=torch.float64)
    near = near.double()
    squares = spread + 2 * near * total - count * near.square()
    add_up(sums := torch.cat([count, total, squares]))
    count, (total, squares) = sums[:1], sums[1:].chunk(2)
    mean = total / count
    return count, mean, (squares / count - mean.square()).clamp_(min=0)


class _Normalise(torch.autograd.Function):
    """(x - mean) / sqrt(var + eps) * weight + bias, whose mean and var depend on all ranks' x.

    Gradients of weight and bias are this rank's part: they add up with those of all other parameters.
    Source: batch normalisation, arXiv:1502.03167.
    """

    @staticmethod
    def forward(
        ctx: Any,
        inputs: Tensor,
        weight: Tensor | None,
        bias: Tensor | None,
        mean: Tensor,
        var: Tensor,
        count: Tensor,
        eps: float,
    ) -> Tensor:
        """Normalise this rank's x; mean, var and count are the whole batch's."""
        ctx.save_for_backward(inputs, weight, mean, (var + eps).rsqrt(), count)
        ctx.shifts = bias is not None
        kept = torch.float32 if inputs.dtype in (torch.float16, torch.bfloat16) else inputs.dtype
        return functional.batch_norm(inputs, mean.to(kept), var.to(kept), weight, bias, eps=eps)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Give the gradients of x, weight and bias."""
        inputs, weight, mean, scale, count = ctx.saved_tensors
        gradient, axes = gradients[0], _all_but_channels(inputs)
        normed = (inputs - _per_channel(mean, inputs)) * _per_channel(scale, inputs)
        of_bias = gradient.sum(axes, dtype=torch.float64)
        of_weight = (gradient * normed).sum(axes, dtype=torch.float64)
        sums = torch.stack([of_bias, of_weight])
        add_up(sums)
        shift, turn = (_per_channel(each / count, inputs) for each in sums)
        slope = scale if weight is None else scale * weight.double()
        of_inputs = (gradient - shift - normed * turn) * _per_channel(slope, inputs)
        return (
            of_inputs.to(inputs.dtype),
            None if weight is None else of_weight.to(weight.dtype),
            of_bias.to(mean.dtype if weight is None else weight.dtype) if ctx.shifts else None,
            *(None,) * 4,
        )


def _all_but_channels(inputs: Tensor) -> list[int]:
    return [axis for axis in range(inputs.dim()) if axis != 1]


def _per_channel(values: Tensor, inputs: Tensor) -> Tensor:
    """Shape values, one per channel, so that they meet the inputs; in the inputs' dtype."""
    return values.to(inputs.dtype).view(1, -1, *(1,) * (inputs.dim() - 2))
