"""The data of a target that the core may see: what it trains on and what it chooses by."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np
import torch

from grasp_core.data.batches import Batch, Batches
from grasp_core.data.samples import Samples
from grasp_core.errors import InvalidData


@dataclass(frozen=True, slots=True)
class TargetData:
    """A target's labelled data; gate and test splits never come here.

    train, val: Samples, or anything that gives (images, labels) batches each time it is iterated.
    Samples are shuffled by the fine-tune; other iterables keep their own order and batch size.
    Raises InvalidData when one is an iterator, which is empty the second time.
    """

    train: Batches
    val: Batches

    def __post_init__(self) -> None:
        for name, data in (("train", self.train), ("val", self.val)):
            if isinstance(data, Iterator):
                raise InvalidData(
                    f"{name} is an iterator, needs to be iterable more than once; nothing started"
                )


@dataclass(frozen=True, slots=True)
class Labels:
    """All labelled data of a target, train then val, as batches in a fixed order."""

    data: TargetData
    batch_size: int

    def __iter__(self) -> Iterator[Batch]:
        return chain(
            in_order(self.data.train, self.batch_size),
            in_order(self.data.val, self.batch_size),
        )


@dataclass(frozen=True, slots=True)
class InBatches:
    """Data as batches in their own order, each time it is iterated."""

    data: Batches
    batch_size: int

    def __iter__(self) -> Iterator[Batch]:
        return in_order(self.data, self.batch_size)


def in_order(data: Batches, batch_size: int) -> Iterator[Batch]:
    """Give the batches of data in their own order."""
    return data.batches(batch_size) if isinstance(data, Samples) else iter(data)


def to_measure(data: Batches, batch_size: int) -> Iterator[Batch]:
    """Give the batches of data in their own order, as large as they may be where no gradients are taken."""
    largest = data.handing.evaluation_batch if isinstance(data, Samples) else 0
    return in_order(data, max(batch_size, largest))


def shuffled(data: Batches, batch_size: int, generator: torch.Generator) -> Iterator[Batch]:
    """Give the batches of one training epoch; only Samples can be shuffled, others come as they are."""
    return data.batches(batch_size, shuffle=generator) if isinstance(data, Samples) else iter(data)


def count(data: Batches) -> int:
    """Count labelled samples."""
    return len(data) if isinstance(data, Samples) else sum(len(labels) for _, labels in data)


def gather(data: TargetData) -> Samples:
    """Bring all labelled data, train then val, into one Samples in memory, as the folds need it.

    uint8 stays uint8 when train and val are Samples with the same normalisation; train's augmentation counts
    for all, and only while something trains on them.
    """
    train, val = data.train, data.val
    if isinstance(train, Samples) and isinstance(val, Samples):
        return _joined(train, val)
    images, labels = zip(*chain(train, val), strict=True)
    return Samples(torch.cat(images), torch.cat(labels))


def _joined(train: Samples, val: Samples) -> Samples:
    """Join two Samples without converting them, where they are shown to a model in the same way."""
    labels = torch.cat([train.labels, val.labels])
    if isinstance(train.images, torch.Tensor) or isinstance(val.images, torch.Tensor):
        images = torch.cat([s.batch(torch.arange(len(s)))[0] for s in (train, val)])
        return Samples(images, labels, handing=train.handing)
    if (train.mean, train.std) != (val.mean, val.std):
        raise InvalidData(
            f"train is normalised by {train.mean}, {train.std}, val by {val.mean}, {val.std}; "
            "needs the same; nothing was joined"
        )
    return Samples(
        np.concatenate([train.images, val.images]),
        labels,
        mean=train.mean,
        std=train.std,
        augment=train.augment,
        handing=train.handing,
    )
