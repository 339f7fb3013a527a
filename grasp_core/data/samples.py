"""Labelled images with random access, decoded once, in memory or mapped from disk."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from grasp_core.data.ahead import ahead
from grasp_core.data.batches import Batch
from grasp_core.errors import InvalidData

CPU = torch.device("cpu")
Augment = Callable[[Tensor], Tensor]  # N x C x H x W in [0, 1], to the same


@dataclass(frozen=True, kw_only=True, slots=True)
class Handing:
    """How batches are handed to a model.

    device: where uint8 images are normalised. ahead: how many batches a thread prepares in advance.
    evaluation_batch: images per batch for what needs no gradients, if more than are asked for.
    """

    device: torch.device = CPU
    ahead: int = 0
    evaluation_batch: int = 0


HERE = Handing()


class Samples:
    """Labelled images; iterating gives (images, labels) batches in order, again and again.

    images: uint8 N x H x W x C (array or memory map: only the rows of a batch are read), shown to a model
    as x / 255, then mean and std per channel; or a float tensor N x C x H x W, shown as it is.
    labels: N class indices. batch_size: of the batches that iteration gives. augment: what to do to uint8
    images of a shuffled batch between x / 255 and the normalisation: batches in order are to measure by.
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
        handing: Handing = HERE,
    ) -> None:
        _check(images, len(labels))
        self.images = images
        self.labels = torch.as_tensor(np.array(labels), dtype=torch.int64)
        self.mean, self.std = tuple(mean), tuple(std)
        self.batch_size = batch_size
        self.augment = augment
        self.handing = handing

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
        view = None if shuffle is None else self.augment
        rows = ahead(map(self._rows, chunks), depth=self.handing.ahead)
        return (self._shown(*each, view) for each in rows)

    def batch(self, indices: Tensor) -> Batch:
        """Give the samples at these positions as one normalised batch, augmented if these samples are."""
        return self._shown(*self._rows(indices), self.augment)

    def _rows(self, indices: Tensor) -> Batch:
        """Read images, as they are, and labels; pinned where a GPU fetches them while it computes."""
        if isinstance(self.images, Tensor):
            rows = self.images[indices]
        else:
            rows = torch.from_numpy(np.ascontiguousarray(self.images[indices.numpy()]))
        labels = self.labels[indices]
        if self.handing.device.type == "cuda" and not rows.is_cuda:
            return rows.pin_memory(), labels.pin_memory()
        return rows, labels

    def _shown(self, rows: Tensor, labels: Tensor, view: Augment | None) -> Batch:
        """Give images as a model sees them, on the device; labels stay here, where they cost no wait."""
        device, pinned = self.handing.device, self.handing.device.type == "cuda"
        rows = rows.to(device, non_blocking=pinned)
        if isinstance(self.images, Tensor):
            return rows, labels
        mean, std = (
            torch.tensor(each).view(1, -1, 1, 1).to(device, non_blocking=pinned)
            for each in (self.mean, self.std)
        )
        images = rows.permute(0, 3, 1, 2).float().div_(255)
        if view is not None:
            images = view(images)
        return images.sub_(mean).div_(std).contiguous(), labels

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
            handing=self.handing,
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
