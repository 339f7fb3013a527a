"""What an absorb tells while it works, so that a caller can show it, time it, or stop it."""

from dataclasses import dataclass
from typing import Literal, Protocol

Step = Literal["load", "recalibrate", "evaluate", "align", "transfer", "fine_tune"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Epoch:
    """One epoch that ended. Losses are means over samples; accuracy lies in [0, 1]."""

    fold: int  # 1-based; 1 in a plain fine-tune
    folds: int
    epoch: int  # 1-based
    epochs: int
    train_loss: float
    val_loss: float
    val_accuracy: float


class Progress(Protocol):
    """Listener of one absorb. Whatever it raises ends the absorb; the target is then not to be used."""

    def step(self, name: Step) -> None:
        """Hear that a step begins (and the one before it ended)."""

    def epoch(self, epoch: Epoch) -> None:
        """Hear that an epoch of a fine-tune ended."""


class Silent:
    """Listens to nothing."""

    def step(self, name: Step) -> None:
        """Ignore it."""

    def epoch(self, epoch: Epoch) -> None:
        """Ignore it."""


SILENT = Silent()
