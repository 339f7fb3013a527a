"""What to do when a batch does not fit into the device's memory: the same in more pieces."""

import logging
from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor

from grasp_core.data.batches import Batch

T = TypeVar("T")
log = logging.getLogger(__name__)


class Pieces:
    """Into how many pieces batches are cut; doubled whenever memory runs out, for good."""

    def __init__(self, *, fewest: int = 1) -> None:
        """fewest: images that a piece has to keep."""
        self.count = 1
        self._fewest = fewest

    def fit(self, batch: Batch, work: Callable[[list[Batch]], T], *, undo: Callable[[], None]) -> T:
        """Let work have the batch in pieces that fit; after each failure undo is called and it begins anew.

        Raises torch.OutOfMemoryError when pieces cannot be smaller.
        """
        while True:
            pieces = min(self.count, max(1, len(batch[1]) // self._fewest))
            try:
                return work(cut(batch, pieces))
            except torch.OutOfMemoryError as error:
                if len(batch[1]) // (2 * pieces) < self._fewest:
                    raise
                said = str(error).split(". ")[0]
            # outside of the handler: its traceback holds the tensors that are to be freed
            undo()
            self.count = 2 * pieces
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            log.warning(
                "a batch of %d images does not fit into memory (%s); it goes on in %d pieces that add up",
                len(batch[1]),
                said,
                self.count,
            )


def cut(batch: Batch, pieces: int) -> list[Batch]:
    """Cut a batch into pieces of sizes as equal as they can be."""
    if pieces == 1:
        return [batch]
    parts: list[tuple[Tensor, ...]] = [tensor.tensor_split(pieces) for tensor in batch]
    return list(zip(*parts, strict=True))
