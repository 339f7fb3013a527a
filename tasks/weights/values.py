"""The values of a tensor that a stranger published."""

import torch
from torch import Tensor

from tasks.errors import BadArrival


def check_values(name: str, tensor: Tensor, *, object: str) -> None:  # noqa: A002
    """Raise BadArrival for values that are not finite, and for variances below 0."""
    if name.endswith("running_var") and bool((tensor < 0).any()):
        raise BadArrival(
            "weights_values",
            object=object,
            found=f"values below 0 in tensor {name}",
            needed="variances, which are 0 or more",
        )
    if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
        broken = int((~torch.isfinite(tensor)).sum())
        raise BadArrival(
            "weights_values",
            object=object,
            found=f"{broken} of {tensor.numel()} values of tensor {name} are NaN or infinite",
            needed="finite values",
        )
