"""Fine-tune a target into the model that people are served."""

from torch import nn

from grasp_core.config import AbsorbConfig
from grasp_core.data.target import TargetData, count, gather, in_order
from grasp_core.models.evaluate import Metrics, evaluate
from grasp_core.models.loss import need_finite_tensors
from grasp_core.models.snapshots import STEM, Snapshots
from grasp_core.progress import Progress
from grasp_core.training.finetune import FineTuned, fine_tune
from grasp_core.training.folds import fold_soup
from grasp_core.training.refit import refit


def serve(
    model: nn.Module,
    data: TargetData,
    *,
    epochs: int,
    config: AbsorbConfig,
    snapshots: Snapshots,
    progress: Progress,
) -> tuple[FineTuned, Metrics]:
    """Fine-tune in place, as the mode says; give what was done and the metrics on val afterwards.

    The model must equal the snapshot "stem". Guarded mode trains on all labels in the end (config.tuning);
    with one fold, or more labels than config.soup_limit, it makes one plain fine-tune, which has no need to
    hold the labels in memory. Raises NonFiniteLoss.
    """
    progress.step("fine_tune")
    if config.mode == "guarded" and config.folds > 1 and _labels(data) <= config.soup_limit:
        tuned = _on_all_labels(
            model, data, epochs=epochs, config=config, snapshots=snapshots, progress=progress
        )
    else:
        tuned = fine_tune(
            model,
            data.train,
            data.val,
            config=config.fine_tuning(epochs=epochs),
            snapshots=snapshots,
            progress=progress,
        )
    need_finite_tensors(model, role="fine-tuned model")
    progress.step("evaluate")
    return tuned, evaluate(model, in_order(data.val, config.batch_size))


def _on_all_labels(
    model: nn.Module,
    data: TargetData,
    *,
    epochs: int,
    config: AbsorbConfig,
    snapshots: Snapshots,
    progress: Progress,
) -> FineTuned:
    if config.tuning == "refit":
        return refit(
            model,
            gather(data),
            block=count(data.val),
            config=config.fine_tuning(epochs=epochs),
            how=config.refit,
            snapshots=snapshots,
            start=STEM,
            progress=progress,
        )
    return fold_soup(
        model,
        gather(data),
        block=count(data.val),
        folds=config.folds,
        config=config.fine_tuning(epochs=max(1, round(config.fold_share * epochs))),
        snapshots=snapshots,
        start=STEM,
        progress=progress,
    )


def _labels(data: TargetData) -> int:
    return count(data.train) + count(data.val)
