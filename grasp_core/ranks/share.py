"""What of a batch this rank computes, and what that weighs in the whole."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from torch import Tensor

from grasp_core.ranks.norm import WholeBatch
from grasp_core.ranks.world import rank, world

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Part:
    """A rank's rows of a batch. of_mean, of_sum: factors on this part's mean and summed loss, so that they
    add up over all ranks to those of the batch.
    """

    batch: tuple[Tensor, Tensor]
    of_mean: float
    of_sum: float


@contextmanager
def sharing(batch: tuple[Tensor, Tensor]) -> Iterator[Part]:
    """Give this rank its rows of a batch; batch norm then takes all ranks' rows for one batch.

    A batch of fewer rows than there are ranks is computed by all of them alike.
    """
    ranks, rows = world(), len(batch[1])
    if ranks == 1:
        yield Part(batch, 1.0, 1.0)
    elif rows < ranks:
        yield Part(batch, 1 / ranks, 1 / ranks)
    else:
        images, labels = (tensor.tensor_split(ranks)[rank()] for tensor in batch)
        with WholeBatch():
            yield Part((images, labels), len(labels) / rows, 1.0)


def in_turns(batches: Iterable[T]) -> Iterator[T]:
    """Give this rank every world-th batch, whole: each is computed as by a process alone."""
    return islice(batches, rank(), None, world())
