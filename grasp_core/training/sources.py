"""Train a source model on the images of its own period."""

import math
from dataclasses import dataclass

from torch import nn
from torch.nn.utils import clip_grad_norm_
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR

from grasp_core.data.batches import Batches
from grasp_core.data.target import count, shuffled, to_measure
from grasp_core.errors import InvalidConfig
from grasp_core.models.evaluate import Metrics, evaluate
from grasp_core.models.loss import device_of
from grasp_core.models.snapshots import Snapshots
from grasp_core.progress import SILENT, Epoch, Progress
from grasp_core.seed import generator, seeded
from grasp_core.training.finetune import BestEpoch, train_epoch
from grasp_core.training.step import TrainingStep


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceTrainingConfig:
    """Hyper-parameters of a source's training; defaults are the paper's (GRASP, arXiv:2606.14900)."""

    epochs: int = 15
    warm_up_epochs: int = 2
    lr: float = 3e-4
    head_factor: float = 10.0  # the head learns at lr times this
    weight_decay: float = 0.01
    batch_size: int = 32
    gradient_clip: float = 1.0  # norm over all parameters
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.warm_up_epochs < self.epochs or self.batch_size < 1 or self.lr <= 0:
            raise InvalidConfig(f"{self}: needs 0 <= warm_up_epochs < epochs, a batch and a positive lr")


def train_source(
    model: nn.Module,
    train: Batches,
    val: Batches,
    *,
    config: SourceTrainingConfig,
    snapshots: Snapshots,
    progress: Progress = SILENT,
) -> Metrics:
    """Train in place: AdamW, linear warm-up, cosine per step, clipped; keep the best validation accuracy.

    The last linear layer is the head. Gives the metrics on val of the epoch kept, as the model ends.
    Source: GRASP, arXiv:2606.14900, source training.
    """
    steps = max(1, math.ceil(count(train) / config.batch_size))
    optimizer = AdamW(_groups(model, config), weight_decay=config.weight_decay, fused=True)
    schedule = LambdaLR(optimizer, lambda step: _factor(step, steps, config))
    best = BestEpoch(model, snapshots, selection="accuracy")
    order = generator(config.seed, "order")

    def clip() -> None:
        clip_grad_norm_(model.parameters(), config.gradient_clip)

    step = TrainingStep(model, optimizer, before_update=clip, after_update=schedule.step)
    with seeded(config.seed, "train-source", device=device_of(model)):
        for number in range(1, config.epochs + 1):
            batches = shuffled(train, config.batch_size, order)
            loss, _ = train_epoch(model, batches, step)
            metrics = evaluate(model, to_measure(val, config.batch_size))
            best.offer(number, metrics)
            progress.epoch(
                Epoch(
                    fold=1,
                    folds=1,
                    epoch=number,
                    epochs=config.epochs,
                    train_loss=loss,
                    val_loss=metrics.loss,
                    val_accuracy=metrics.accuracy,
                )
            )
    best.restore()
    return evaluate(model, to_measure(val, config.batch_size))


def _groups(model: nn.Module, config: SourceTrainingConfig) -> list[dict[str, object]]:
    heads = [module for module in model.modules() if isinstance(module, nn.Linear)]
    head = list(heads[-1].parameters()) if heads else []
    body = [p for p in model.parameters() if not any(p is own for own in head)]
    return [{"params": body, "lr": config.lr}, {"params": head, "lr": config.lr * config.head_factor}]


def _factor(step: int, steps: int, config: SourceTrainingConfig) -> float:
    """Give the factor on the learning rate of a step, with so many steps in an epoch."""
    warm_up = config.warm_up_epochs * steps
    if step < warm_up:
        return (step + 1) / warm_up
    share = (step - warm_up) / (config.epochs * steps - warm_up)
    return 0.5 * (1 + math.cos(math.pi * min(share, 1.0)))
