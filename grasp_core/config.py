"""What an absorb and a fine-tune are told: frozen values with the defaults of the paper or of measurement."""

from dataclasses import dataclass, field
from typing import Literal

from grasp_core.errors import InvalidConfig

Mode = Literal["guarded", "reference"]
Selection = Literal["accuracy", "loss"]
# how guarded mode uses all labels; see refit.py and folds.py
Tuning = Literal["refit", "fold_soup"]


@dataclass(frozen=True, kw_only=True, slots=True)
class FineTuneConfig:
    """Hyper-parameters of one fine-tune.

    Defaults are the paper's (GRASP, arXiv:2606.14900): AdamW, cosine schedule, no warm-up.
    """

    epochs: int = 3
    lr: float = 5e-5
    weight_decay: float = 0.01
    batch_size: int = 32
    seed: int = 0
    # accuracy: the epoch with the highest, first best wins (the paper).
    # loss: the epoch with the lowest, the untrained model among the candidates (guarded mode).
    selection: Selection = "accuracy"

    def __post_init__(self) -> None:
        _need(self.epochs >= 1, "epochs", self.epochs, "at least 1")
        _need(self.lr > 0, "lr", self.lr, "a positive number")
        _need(self.weight_decay >= 0, "weight_decay", self.weight_decay, "0 or more")
        _need(self.batch_size >= 1, "batch_size", self.batch_size, "at least 1")
        _need(self.selection in ("accuracy", "loss"), "selection", self.selection, "accuracy or loss")


@dataclass(frozen=True, kw_only=True, slots=True)
class RefitConfig:
    """How a refit divides its epochs; see refit.py."""

    folds: int = 1  # that hold out a block of the labels each
    share: float = 0.4  # of a plain fine-tune's epochs, for each fold
    onward: float = 1.5  # of the way that was taken, on all labels
    steps: tuple[float, ...] = (0.0, 0.25, 0.5, 0.75, 1.0)  # of the way to the folds' mean; 0 is the guard

    def __post_init__(self) -> None:
        _need(self.folds >= 1, "refit.folds", self.folds, "at least 1")
        _need(0 < self.share <= 1, "refit.share", self.share, "a share in (0, 1]")
        _need(0 <= self.onward <= 10, "refit.onward", self.onward, "a share in [0, 10]")
        steps_fit = bool(self.steps) and self.steps[0] == 0.0 and all(0 <= s <= 1 for s in self.steps)
        _need(steps_fit, "refit.steps", self.steps, "0.0 first, then steps in [0, 1]")


@dataclass(frozen=True, kw_only=True, slots=True)
class AbsorbConfig:
    """Hyper-parameters of one absorb, in either mode."""

    mode: Mode = "guarded"
    tuning: Tuning = "refit"  # guarded mode
    folds: int = 4  # rotations of the fold soup; 1 is a plain fine-tune, whatever the tuning; guarded mode
    threshold: float = 0.3  # cosine; strictly above is transferred; reference mode
    alignment_batches: int = 1  # batches whose gradients are summed; reference mode
    epochs: int = 3  # of the fine-tune after a transfer
    initial_epochs: int = 3  # of the fine-tune that makes the first target
    lr: float = 5e-5
    weight_decay: float = 0.01
    batch_size: int = 32
    seed: int = 0
    soup_limit: int = 500  # labels above which one plain fine-tune replaces refit and folds
    refit: RefitConfig = field(default_factory=RefitConfig)
    fold_share: float = 0.4  # of a plain fine-tune's epochs, for each fold
    # of the way between stem and source, tried before the best one's neighbourhood; 0 is the guard
    alphas: tuple[float, ...] = field(default=(0.0, 0.25, 0.5))
    sample: int = 96  # labels, of each class as equally many as there are, that search and statistics use

    def __post_init__(self) -> None:
        _need(self.mode in ("guarded", "reference"), "mode", self.mode, "guarded or reference")
        _need(self.tuning in ("refit", "fold_soup"), "tuning", self.tuning, "refit or fold_soup")
        _need(self.folds >= 1, "folds", self.folds, "at least 1")
        _need(-1 <= self.threshold <= 1, "threshold", self.threshold, "a cosine in [-1, 1]")
        _need(self.alignment_batches >= 1, "alignment_batches", self.alignment_batches, "at least 1")
        _need(self.initial_epochs >= 1, "initial_epochs", self.initial_epochs, "at least 1")
        _need(0 < self.fold_share <= 1, "fold_share", self.fold_share, "a share in (0, 1]")
        steps_fit = bool(self.alphas) and self.alphas[0] == 0.0 and all(0 <= a <= 1 for a in self.alphas)
        _need(steps_fit, "alphas", self.alphas, "0.0 first, then steps in [0, 1]")
        _need(list(self.alphas) == sorted(self.alphas), "alphas", self.alphas, "rising steps")
        _need(self.sample >= 2, "sample", self.sample, "at least 2")
        self.fine_tuning(epochs=self.epochs)

    def fine_tuning(self, *, epochs: int) -> FineTuneConfig:
        """Give the hyper-parameters of this absorb's fine-tune, with its mode's way to choose an epoch."""
        return FineTuneConfig(
            epochs=epochs,
            lr=self.lr,
            weight_decay=self.weight_decay,
            batch_size=self.batch_size,
            seed=self.seed,
            selection="accuracy" if self.mode == "reference" else "loss",
        )


def _need(holds: bool, name: str, found: object, needed: str) -> None:
    if not holds:
        raise InvalidConfig(f"configuration: {name} is {found!r}, needs {needed}; nothing was started")
