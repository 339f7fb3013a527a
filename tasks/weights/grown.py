"""Files from before a class was added to a target: loaded with rows for the classes that they do not know."""

from functools import lru_cache
from pathlib import Path

import torch
from torch import nn

from grasp_core.growth.head import head_of, what_hinders, widen_into
from tasks.contracts.base import Architecture, InputSpec
from tasks.errors import OperationRefused
from tasks.weights.files import load_into, load_module, new_module
from tasks.weights.header import read_tensors


def architecture_in(path: Path, architecture: Architecture) -> Architecture:
    """Give the architecture of a file that may know fewer classes: as many as its head has rows.

    A file with any other head is left to whoever checks it. Raises BadArrival (`weights_format`).
    """
    found = read_tensors(path, object=path.name).get(_head_weight(architecture) or "")
    rows = found.shape[0] if found and found.shape else 0
    if not 2 <= rows < architecture.num_classes:
        return architecture
    return architecture.model_copy(update={"num_classes": rows})


def load_grown(path: Path, architecture: Architecture) -> nn.Module:
    """Load a checked file of so many classes or fewer; rows that it lacks are the mean of those it has."""
    known = architecture_in(path, architecture)
    if known == architecture:
        return load_module(path, architecture)
    return grown(load_module(path, known), architecture)


def load_grown_into(module: nn.Module, path: Path, architecture: Architecture) -> None:
    """Copy a checked file's tensors into a module of the architecture, as load_grown does."""
    if architecture_in(path, architecture) == architecture:
        load_into(module, path)
    else:
        module.load_state_dict(load_grown(path, architecture).state_dict())


def grown(module: nn.Module, architecture: Architecture) -> nn.Module:
    """Give a network of the architecture from one of fewer classes; see widen_into."""
    wide = new_module(architecture)
    widen_into(wide, module.state_dict())
    return wide


@lru_cache(maxsize=16)
def check_grows(architecture: Architecture, images: InputSpec) -> None:
    """Raise OperationRefused when the head of a network cannot get rows for new classes."""
    more = architecture.model_copy(update={"num_classes": architecture.num_classes + 1})
    image = torch.zeros(1, images.channels, images.height, images.width)
    hinders = what_hinders(new_module(architecture), new_module(more), image)
    if hinders:
        raise OperationRefused(
            f"{architecture.id}: {hinders}, so no class can be added to a target of it; what helps is a new "
            "target beside it, with a series of its own (docs/howto/add-a-class.md); nothing was changed"
        )


@lru_cache(maxsize=16)
def _head_weight(architecture: Architecture) -> str | None:
    head = head_of(new_module(architecture))
    return f"{head[0]}.weight" if head else None
