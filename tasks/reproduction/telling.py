"""What a person hears of a training: an epoch now and then."""

import time
from collections.abc import Callable

from grasp_core.progress import Epoch, Step

Say = Callable[[str], None]
EVERY_S = 30.0


class Sparse:
    """Tells an epoch when nothing was told for a while."""

    def __init__(self, say: Say, what: str, *, every_s: float = EVERY_S) -> None:
        self._say, self._what, self._every_s = say, what, every_s
        self._told = time.monotonic()

    def step(self, name: Step) -> None:
        """Pass over the steps of an absorb: a source's training has none."""

    def epoch(self, epoch: Epoch) -> None:
        """Tell how the epoch ended, if it is time."""
        if time.monotonic() - self._told >= self._every_s:
            self._told = time.monotonic()
            self._say(
                f"source {self._what}: epoch {epoch.epoch} of {epoch.epochs}, "
                f"validation accuracy {epoch.val_accuracy:.1%}"
            )
