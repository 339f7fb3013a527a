"""Train a model on a target's labels and keep its best epoch."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import CosineAnnealingLR

from grasp_core.config import FineTuneConfig, Selection
from grasp_core.data.batches import Batches
from grasp_core.data.samples import Samples
from grasp_core.data.target import shuffled, to_measure
from grasp_core.errors import InvalidData
from grasp_core.models.equip import compiled, levers_of
from grasp_core.models.evaluate import Metrics, evaluate
from grasp_core.models.loss import device_of, need_finite, wide
from grasp_core.models.modes import mode
from grasp_core.models.snapshots import Snapshots
from grasp_core.progress import SILENT, Epoch, Progress
from grasp_core.ranks.world import add_up
from grasp_core.seed import generator, seeded
from grasp_core.training.step import TrainingStep

BEST = "best-epoch"


@dataclass(frozen=True, kw_only=True, slots=True)
class FineTuned:
    """What a fine-tune did: every epoch, the epoch kept per fold (0: the untrained model), its cost."""

    epochs: tuple[Epoch, ...]
    kept: tuple[int, ...]
    gradient_passes: int  # samples that went forward and backward
    first: Metrics | None = None  # on val, of the untrained model, where it was measured
    last: Metrics | None = None  # on val, of the model as it ends, where it was measured
    pieces: int = 1  # that a batch was cut into at most, for want of memory


def fine_tune(
    model: nn.Module,
    train: Batches,
    val: Batches,
    *,
    config: FineTuneConfig,
    snapshots: Snapshots,
    progress: Progress = SILENT,
    fold: int = 1,
    folds: int = 1,
) -> FineTuned:
    """Train in place with AdamW and a cosine schedule per epoch; the model ends as its best epoch.

    Samples are shuffled from config.seed; torch's global random numbers end as they were. The best epoch
    is kept under "best-epoch" in snapshots, so four parameter sizes are the peak: parameters, gradients,
    two moments. fold and folds only number the epochs told to progress.
    Raises NonFiniteLoss, InvalidData.
    """
    best = BestEpoch(model, snapshots, selection=config.selection)
    first = None
    if config.selection == "loss":
        first = evaluate(model, to_measure(val, config.batch_size))
        best.offer(0, first)
    trained = train_to_end(
        model, train, val, config=config, progress=progress, fold=fold, folds=folds, after_epoch=best.offer
    )
    best.restore()
    return FineTuned(
        epochs=trained.epochs,
        kept=(best.epoch,),
        gradient_passes=trained.gradient_passes,
        first=first,
        last=best.metrics,
        pieces=trained.pieces,
    )


@dataclass(frozen=True, slots=True)
class Trained:
    """A training to its end: its epochs, samples that went forward and backward, pieces as in FineTuned."""

    epochs: tuple[Epoch, ...]
    gradient_passes: int
    pieces: int


def _unwatched(_: int, __: Metrics) -> None:
    """Do nothing after an epoch."""


def train_to_end(
    model: nn.Module,
    train: Batches,
    val: Batches,
    *,
    config: FineTuneConfig,
    progress: Progress,
    fold: int,
    folds: int,
    after_epoch: Callable[[int, Metrics], None] = _unwatched,
) -> Trained:
    """Train for all epochs with AdamW and a cosine schedule.

    after_epoch gets the number of each epoch and its metrics on val. Raises NonFiniteLoss, InvalidData.
    """
    optimizer = AdamW(model.parameters(), lr=config.lr, weight_decay=config.weight_decay, fused=True)
    schedule = CosineAnnealingLR(optimizer, T_max=config.epochs)
    order = generator(config.seed, "order")
    epochs: list[Epoch] = []
    passes = 0
    step = TrainingStep(model, optimizer, compiled=_compiled(model, train, config))
    with seeded(config.seed, "fine-tune", device=device_of(model)):
        for number in range(1, config.epochs + 1):
            loss, seen = train_epoch(model, shuffled(train, config.batch_size, order), step)
            passes += seen
            schedule.step()
            metrics = evaluate(model, to_measure(val, config.batch_size))
            after_epoch(number, metrics)
            epochs.append(
                Epoch(
                    fold=fold,
                    folds=folds,
                    epoch=number,
                    epochs=config.epochs,
                    train_loss=loss,
                    val_loss=metrics.loss,
                    val_accuracy=metrics.accuracy,
                )
            )
            progress.epoch(epochs[-1])
    return Trained(tuple(epochs), passes, step.pieces)


def _compiled(model: nn.Module, train: Batches, config: FineTuneConfig) -> tuple[nn.Module, int] | None:
    """Compile the model for full batches where that pays; odd ones would be compiled once more each."""
    if levers_of(model).compile_from is None or not isinstance(train, Samples):
        return None
    fast = compiled(model, passes=len(train) * config.epochs)
    return None if fast is model else (fast, config.batch_size)


class BestEpoch:
    """Keeps the best epoch's tensors in snapshots; between equals the first wins."""

    def __init__(self, model: nn.Module, snapshots: Snapshots, *, selection: Selection) -> None:
        self._model, self._snapshots, self._selection = model, snapshots, selection
        self._score = float("-inf")
        self.epoch = 0
        self.metrics: Metrics | None = None

    def offer(self, epoch: int, metrics: Metrics) -> None:
        """Keep the model as it is now if its metrics beat all before."""
        score = metrics.accuracy if self._selection == "accuracy" else -metrics.loss
        if score > self._score:
            self._score, self.epoch, self.metrics = score, epoch, metrics
            self._snapshots.save(BEST, self._model)

    def restore(self) -> None:
        """Make the model its best epoch again."""
        self._snapshots.load_into(BEST, self._model)


def train_epoch(model: nn.Module, batches: Batches, step: TrainingStep) -> tuple[float, int]:
    """Train one epoch in train mode; give the mean training loss and the number of samples seen.

    Nothing waits for the device before the end. Gradients end as None.
    Raises NonFiniteLoss at the end of an epoch that had one, InvalidData without batches.
    """
    device = device_of(model)
    total = torch.zeros((), dtype=wide(device), device=device)
    seen = 0
    with mode(model, "train"), torch.enable_grad():
        for batch in batches:
            total += step(batch).to(total.dtype) * len(batch[1])
            seen += len(batch[1])
    if seen == 0:
        raise InvalidData("training data holds no batch, needs at least one; nothing was trained")
    add_up(total)
    summed = float(total)
    need_finite(summed, model, role="trained model")
    return summed / seen, seen
