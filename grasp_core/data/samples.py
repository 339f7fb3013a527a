"""Labelled images with random access, decoded once, in memory or mapped from disk."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from grasp_core.data.batches import Batch
from grasp_core.errors import InvalidData

Augment = Callable[[Tensor], Tensor]  # N x C x H x W in [0, 1], to the same


class Samples:
    """Labelled images; iterating gives (images, labels) batches in order, again and again.

    images: uint8 N x H x W x C (array or memory map: only the rows of a batch are read), shown to a model
    as x / 255, then mean and std per channel; or a float tensor N x C x H x W, shown as it is.
    labels: N class indices. batch_size: of the batches that iteration gives. augment: what to do to uint8
    images of a batch between x / 255 and the normalisation; for training data only.
    Raises InvalidData for other types, or when counts differ.
    """

    def __init__(
        self,
        images: NDArray[np.uint8] | Tensor,
        labels: NDArray[np.int64] | Tensor,
        *,
        mean: Sequence[float] = (0.0,),
        std: Sequence[float] = (1.0,),
        batch_size: int = 32,
        augment: Augment | None = None,
    ) -> None:
        _check(images, len(labels))
        self.images = images
        self.labels = torch.as_tensor(np.array(labels), dtype=torch.int64)
        self.mean, self.std = tuple(mean), tuple(std)
        self.batch_size = batch_size
        self.augment = augment

    def __len__(self) -> int:
        return len(self.labels)

    def __iter__(self) -> Iterator[Batch]:
        return self.batches(self.batch_size)

    def batches(self, batch_size: int, *, shuffle: torch.Generator | None = None) -> Iterator[Batch]:
        """Give all samples once, in order or shuffled.

        In order, batches are as equal in size as they can be; shuffled, all but the last are full.
        No batch has one sample unless there is only one: batch norm cannot train on it.
        """
        if shuffle is None:
            count = min(-(-len(self) // batch_size), len(self) // 2)
            chunks = torch.arange(len(self)).tensor_split(max(1, count))
        else:
            chunks = _full(torch.randperm(len(self), generator=shuffle), batch_size)
        return (self.batch(chunk) for chunk in chunks)

    def batch(self, indices: Tensor) -> Batch:
        """Give the samples at these positions as one normalised batch."""
        if isinstance(self.images, Tensor):
            return self.images[indices], self.labels[indices]
        rows = torch.from_numpy(np.ascontiguousarray(self.images[indices.numpy()]))
        mean = torch.tensor(self.mean).view(1, -1, 1, 1)
        std = torch.tensor(self.std).view(1, -1, 1, 1)
        images = rows.permute(0, 3, 1, 2).float() / 255
        if self.augment is not None:
            images = self.augment(images)
        return ((images - mean) / std).contiguous(), self.labels[indices]

    def subset(self, indices: Tensor) -> "Samples":
        """Copy the samples at these positions into samples of their own."""
        rows = self.images[indices] if isinstance(self.images, Tensor) else self.images[indices.numpy()]
        return Samples(
            rows,
            self.labels[indices],
            mean=self.mean,
            std=self.std,
            batch_size=self.batch_size,
            augment=self.augment,
        )


def _full(order: Tensor, batch_size: int) -> tuple[Tensor, ...]:
    cuts = list(range(batch_size, len(order), batch_size))
    if cuts and len(order) - cuts[-1] == 1:
        cuts.pop()
    return order.tensor_split(cuts)


def _check(images: NDArray[np.uint8] | Tensor, labels: int) -> None:
    if isinstance(images, Tensor):
        fits = images.is_floating_point() and images.ndim == 4
    else:
        fits = images.dtype == np.uint8 and images.ndim == 4
    if not fits or len(images) != labels:
        raise InvalidData(
            f"images are {images.dtype} of shape {tuple(images.shape)} with {labels} labels; needs uint8 "
            "N x H x W x C or a float tensor N x C x H x W, and N labels; the samples are refused"
        )
