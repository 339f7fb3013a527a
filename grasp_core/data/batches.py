"""Batches of labelled images: the one shape of data that the core computes on."""

from collections.abc import Iterable
from typing import TypeAlias

from torch import Tensor

# images: N x C x H x W, normalised floats; labels: N class indices.
Batch: TypeAlias = tuple[Tensor, Tensor]
Batches: TypeAlias = Iterable[Batch]
