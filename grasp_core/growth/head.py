"""Heads that know more classes than a network's tensors did: the new ones stand behind the known ones."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from grasp_core.errors import IncompatibleSource
from grasp_core.models.modes import mode


def head_of(module: nn.Module) -> tuple[str, nn.Linear] | None:
    """Give the last linear layer, the head, with its name; None where there is none."""
    found = [(name, each) for name, each in module.named_modules() if isinstance(each, nn.Linear)]
    return found[-1] if found else None


def widen_into(module: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Fill a network from the tensors of one that has fewer rows in its head, in place.

    Each new row is the mean of the known ones, in weight and bias. So its logit is the mean of theirs, no
    answer of the network changes, and it gives the new class to no image.
    Raises IncompatibleSource, naming the tensor, when anything but rows of the head differs.
    """
    head = head_of(module)
    rows = {id(each) for each in head[1].parameters()} if head else set()
    with torch.no_grad():
        for name, tensor in module.state_dict(keep_vars=True).items():
            found = tensors.get(name)
            if found is not None and found.shape == tensor.shape:
                tensor.copy_(found)
            elif found is not None and id(tensor) in rows and _is_shorter(found, tensor):
                tensor[: len(found)] = found
                tensor[len(found) :] = tensor[: len(found)].mean(dim=0)
            else:
                was = "missing" if found is None else tuple(found.shape)
                raise IncompatibleSource(
                    f"tensor {name} is {was}, needs {tuple(tensor.shape)}; only the head may have fewer rows"
                )


def what_hinders(fewer: nn.Module, more: nn.Module, image: Tensor) -> str | None:
    """Say why a network's head cannot get rows for new classes; None where it can.

    fewer, more: the network with so many classes, and with more; more is filled. image: one that they see.
    """
    head = head_of(fewer)
    if head is None:
        return "it has no linear layer"
    seen: list[Tensor] = []
    hook = head[1].register_forward_hook(lambda _module, _inputs, logits: seen.append(logits))
    try:
        with mode(fewer, "eval"), torch.inference_mode():
            logits = fewer(image)
    finally:
        hook.remove()
    if not any(logits.shape == each.shape and torch.equal(logits, each) for each in seen):
        return f"what it answers is not what its last linear layer ({head[0]}) gives"
    try:
        widen_into(more, fewer.state_dict())
    except IncompatibleSource as error:
        return str(error)
    return None


def _is_shorter(found: Tensor, needed: Tensor) -> bool:
    return found.dim() == needed.dim() and found.shape[1:] == needed.shape[1:] and len(found) < len(needed)
