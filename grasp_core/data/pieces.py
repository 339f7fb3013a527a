"""What to do when a batch does not fit into the device's memory: the same in more pieces."""

import logging
from collections.abc import Callable, Iterator
from typing import TypeVar

import torch
from torch import Tensor

from grasp_core.data.batches import Batch, Batches
from grasp_core.ranks.world import world

T = TypeVar("T")
log = logging.getLogger(__name__)
FEWEST = 2  # images per piece: batch norm cannot train on one


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
        return self._fit(lambda: len(batch[1]), lambda pieces: work(cut(batch, pieces)), undo)

    def fit_all(self, batches: Batches, work: Callable[[int], T], *, undo: Callable[[], None]) -> T:
        """Tell work into how many pieces to cut each batch; after a failure undo is called, all begins anew.

        An iterator cannot be read anew: its work has one try. Raises torch.OutOfMemoryError as fit does.
        """
        if isinstance(batches, Iterator):
            return work(1)
        return self._fit(lambda: max(len(labels) for _, labels in batches), work, undo)

    def _fit(self, largest: Callable[[], int], work: Callable[[int], T], undo: Callable[[], None]) -> T:
        while True:
            pieces = 1 if self.count == 1 else min(self.count, max(1, largest() // self._fewest))
            try:
                return work(pieces)
            except torch.OutOfMemoryError as error:
                size = largest()
                # one rank of several cannot begin anew: the others would wait for it in another place
                if size // (2 * pieces) < self._fewest or world() > 1:
                    raise
                said = str(error).split(". ")[0]
            # outside of the handler: its traceback holds the tensors that are to be freed
            undo()
            self.count = 2 * pieces
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            log.warning(
                "a batch of %d images does not fit into memory (%s); it goes on in %d pieces that add up",
                size,
                said,
                self.count,
            )


def cut(batch: Batch, pieces: int) -> list[Batch]:
    """Cut a batch into pieces of sizes as equal as they can be."""
    if pieces == 1:
        return [batch]
    parts: list[tuple[Tensor, ...]] = [tensor.tensor_split(pieces) for tensor in batch]
    return list(zip(*parts, strict=True))
