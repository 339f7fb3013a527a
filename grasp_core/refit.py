"""Validate, then use every label: how long to train is learned on val, then val is trained on too."""

from dataclasses import replace

from torch import nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import CosineAnnealingLR

from grasp_core.batchnorm import recalibrate
from grasp_core.config import FineTuneConfig
from grasp_core.data.batches import Batches
from grasp_core.data.target import Labels, TargetData, in_order, shuffled
from grasp_core.evaluate import evaluate
from grasp_core.finetune import FineTuned, fine_tune, train_epoch
from grasp_core.loss import device_of
from grasp_core.progress import SILENT, Epoch, Progress
from grasp_core.seed import derive, generator, seeded
from grasp_core.snapshots import Snapshots


def refit(
    model: nn.Module,
    data: TargetData,
    labels: Batches,
    *,
    config: FineTuneConfig,
    share: float,
    snapshots: Snapshots,
    progress: Progress = SILENT,
) -> FineTuned:
    """Fine-tune on train for share of config.epochs, then go on with all labels, in place.

    labels: train and val together. The first part keeps the epoch with the lowest validation loss; the
    second lasts share of that many epochs with a cosine schedule of its own and has nothing left to choose
    by. Where no epoch beat the untrained model, the second part is left out. Batch norm is recalibrated.
    Source: measured on the digits benchmark, docs/LOG.md (2026-11-21).
    """
    found = fine_tune(
        model,
        data.train,
        data.val,
        config=replace(config, epochs=max(1, round(share * config.epochs))),
        snapshots=snapshots,
        progress=progress,
        folds=2,
    )
    more = round(share * found.kept[0])
    if more == 0:
        return found
    again = replace(config, epochs=more, seed=derive(config.seed, "refit"))
    epochs, passes = _go_on(model, labels, data.val, config=again, progress=progress)
    recalibrate(model, Labels(data, config.batch_size))
    return FineTuned(
        epochs=found.epochs + epochs,
        kept=(*found.kept, more),
        gradient_passes=found.gradient_passes + passes,
    )


def _go_on(
    model: nn.Module, labels: Batches, val: Batches, *, config: FineTuneConfig, progress: Progress
) -> tuple[tuple[Epoch, ...], int]:
    """Train on all labels for all epochs; metrics on val are told, though it is trained on."""
    optimizer = AdamW(model.parameters(), lr=config.lr, weight_decay=config.weight_decay, fused=True)
    schedule = CosineAnnealingLR(optimizer, T_max=config.epochs)
    order = generator(config.seed, "order")
    epochs: list[Epoch] = []
    passes = 0
    with seeded(config.seed, "refit", device=device_of(model)):
        for number in range(1, config.epochs + 1):
            loss, seen = train_epoch(model, shuffled(labels, config.batch_size, order), optimizer)
            passes += seen
            schedule.step()
            metrics = evaluate(model, in_order(val, config.batch_size))
            epochs.append(
                Epoch(
                    fold=2,
                    folds=2,
                    epoch=number,
                    epochs=config.epochs,
                    train_loss=loss,
                    val_loss=metrics.loss,
                    val_accuracy=metrics.accuracy,
                )
            )
            progress.epoch(epochs[-1])
    return tuple(epochs), passes
