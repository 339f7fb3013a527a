"""What an absorb reports."""

from collections.abc import Mapping
from dataclasses import dataclass

from grasp_core.config import Mode
from grasp_core.growth.stem import Choice
from grasp_core.growth.way import Trial
from grasp_core.models.evaluate import Metrics
from grasp_core.progress import Epoch


@dataclass(frozen=True, kw_only=True, slots=True)
class Absorbed:
    """What an absorb did. Metrics are of the val split."""

    mode: Mode
    # first: the source became the target. guarded: absorbed (alpha > 0), replaced (the newcomer alone) or
    # unchanged. reference: always absorbed, because its fine-tune changes the target even when no tensor
    # was transferred.
    choice: Choice
    alpha: float | None  # step of the line search; None where there is none (reference, first)
    # reference: cosine per tensor, in [-1, 1]. guarded: how far each tensor went from the better of stem and
    # source to the other, in [0, 1]. first: empty.
    scores: Mapping[str, float]
    scalars_transferred: int  # parameters that have a part of the source in them
    scalars_total: int
    before: Metrics | None  # of the target (guarded: the stem) on arrival; None for the first source
    after_transfer: Metrics  # guarded: of the new stem
    # None when the choice is unchanged: that stem is not fine-tuned again. Guarded mode has trained on val
    # too, so this flatters; only the gate split compares models.
    after_fine_tune: Metrics | None
    epochs: tuple[Epoch, ...]
    # the epoch kept, per fold; 0 is the model before its first epoch. A refit's last figure: its epochs on
    # all labels; a single 0 when it left the stem as it was.
    kept: tuple[int, ...]
    gradient_passes: int  # samples that went forward and backward, alignment included
    # guarded: mean cross-entropy of stem and source on the labels that decide, each at the temperature
    # that suits it (judge in models/evaluate.py); the lower one leads
    stem_loss: float | None = None
    source_loss: float | None = None
    search: tuple[Trial, ...] = ()
    pieces: int = 1  # that a batch of the fine-tune was cut into at most, for want of memory
    statistics: float | None = None  # guarded: share of the labels' batch-norm statistics; None without any
