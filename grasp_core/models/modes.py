"""Train and eval flags, set for a while and put back module by module."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from torch import nn

Flag = Literal["eval", "train"]


@contextmanager
def mode(model: nn.Module, flag: Flag) -> Iterator[None]:
    """Put the whole model into eval or train mode; at the end every module has its own flag again."""
    before = [(module, module.training) for module in model.modules()]
    model.train(flag == "train")
    try:
        yield
    finally:
        for module, training in before:
            module.training = training
