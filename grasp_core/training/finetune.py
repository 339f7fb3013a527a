"""Train a model on a target's labels and keep its best epoch."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR

from grasp_core.config import FineTuneConfig, Selection
from grasp_core.data.batches import Batches
from grasp_core.data.target import in_order, shuffled
from grasp_core.errors import InvalidData
from grasp_core.models.evaluate import Metrics, evaluate
from grasp_core.models.loss import cross_entropy, device_of, need_finite
from grasp_core.models.modes import mode
from grasp_core.models.snapshots import Snapshots
from grasp_core.progress import SILENT, Epoch, Progress
from grasp_core.seed import generator, seeded

BEST = "best-epoch"


@dataclass(frozen=True, kw_only=True, slots=True)
class FineTuned:
    """What a fine-tune did: every epoch, the epoch kept per fold (0: the untrained model), its cost."""

    epochs: tuple[Epoch, ...]
    kept: tuple[int, ...]
    gradient_passes: int  # samples that went forward and backward
    first: Metrics | None = None  # on val, of the untrained model, where it was measured
    last: Metrics | None = None  # on val, of the model as it ends, where it was measured


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
        first = evaluate(model, in_order(val, config.batch_size))
        best.offer(0, first)
    epochs, passes = train_to_end(
        model, train, val, config=config, progress=progress, fold=fold, folds=folds, after_epoch=best.offer
    )
    best.restore()
    return FineTuned(
        epochs=epochs, kept=(best.epoch,), gradient_passes=passes, first=first, last=best.metrics
    )


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
) -> tuple[tuple[Epoch, ...], int]:
    """Train for all epochs with AdamW and a cosine schedule; give the epochs and the gradient passes.

    after_epoch gets the number of each epoch and its metrics on val. Raises NonFiniteLoss, InvalidData.
    """
    optimizer = AdamW(model.parameters(), lr=config.lr, weight_decay=config.weight_decay, fused=True)
    schedule = CosineAnnealingLR(optimizer, T_max=config.epochs)
    order = generator(config.seed, "order")
    epochs: list[Epoch] = []
    passes = 0
    with seeded(config.seed, "fine-tune", device=device_of(model)):
        for number in range(1, config.epochs + 1):
            loss, seen = train_epoch(model, shuffled(train, config.batch_size, order), optimizer)
            passes += seen
            schedule.step()
            metrics = evaluate(model, in_order(val, config.batch_size))
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
    return tuple(epochs), passes


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


def _no_more() -> None:
    """Do nothing after a batch."""


def train_epoch(
    model: nn.Module,
    batches: Batches,
    optimizer: Optimizer,
    *,
    before_step: Callable[[], None] = _no_more,
    after_step: Callable[[], None] = _no_more,
) -> tuple[float, int]:
    """Train one epoch in train mode; give the mean training loss and the number of samples seen.

    before_step runs between backward and the optimizer's step. Gradients end as None.
    Raises NonFiniteLoss at the end of an epoch that had one, InvalidData without batches.
    """
    total = torch.zeros((), dtype=torch.float64, device=device_of(model))
    seen = 0
    with mode(model, "train"), torch.enable_grad():
        for batch in batches:
            loss = cross_entropy(model, batch, reduction="mean")
            loss.backward()  # type: ignore[no-untyped-call]
            before_step()
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            after_step()
            total += loss.detach().double() * len(batch[1])
            seen += len(batch[1])
            del loss  # its graph holds the activations, which the next forward would double
    if seen == 0:
        raise InvalidData("training data holds no batch, needs at least one; nothing was trained")
    need_finite(float(total), model, role="trained model")
    return float(total) / seen, seen
