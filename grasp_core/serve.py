"""Fine-tune a target into the model that people are served."""

from contextlib import ExitStack
from dataclasses import dataclass, replace

from torch import nn

from grasp_core.config import AbsorbConfig
from grasp_core.data.samples import Samples
from grasp_core.data.target import TargetData, count, gather, in_order, to_measure
from grasp_core.models.batchnorm import held_still, put_statistics, recalibrate, statistics_of
from grasp_core.models.classes import Labelled, only_among
from grasp_core.models.evaluate import evaluate
from grasp_core.models.loss import need_finite_tensors
from grasp_core.models.snapshots import STEM, Snapshots
from grasp_core.progress import Progress
from grasp_core.training.finetune import FineTuned, fine_tune
from grasp_core.training.folds import fold_soup
from grasp_core.training.refit import refit


@dataclass(frozen=True, slots=True)
class Care:
    """What guarded mode's fine-tune takes care of.

    sample: labels that measure batch-norm statistics after every training of a refit; held: a refit puts
    them back as they were instead, and any other fine-tune holds them still. labelled: classes that have a
    label; training leaves the others out, and nothing is trained where too few have one.
    """

    sample: Samples
    held: bool
    labelled: Labelled


def serve(
    model: nn.Module,
    data: TargetData,
    *,
    epochs: int,
    config: AbsorbConfig,
    snapshots: Snapshots,
    progress: Progress,
    care: Care | None = None,
) -> FineTuned:
    """Fine-tune in place, as the mode says; what was done holds the metrics on val before and after.

    The model must equal the snapshot "stem". Guarded mode, the one with care, trains on all labels in the
    end (config.tuning); with one fold, or more labels than config.soup_limit, it makes one plain fine-tune,
    which has no need to hold the labels in memory. Raises NonFiniteLoss.
    """
    few = care is not None and config.folds > 1 and _labels(data) <= config.soup_limit
    refits = few and config.tuning == "refit"
    val, first = data.val, None
    if few or (care is not None and care.labelled.classes is not None):  # a plain fine-tune measures it
        first = evaluate(model, to_measure(val, config.batch_size))
    if care is not None and not care.labelled.enough:
        return FineTuned(epochs=(), kept=(0,), gradient_passes=0, first=first, last=first)
    progress.step("fine_tune")
    with ExitStack() as careful:
        if care is not None:
            careful.enter_context(only_among(model, care.labelled.classes))
        if care is not None and care.held and not refits:
            careful.enter_context(held_still(model))
        if care is not None and few:
            tuned = _on_all_labels(
                model, data, care, epochs=epochs, config=config, snapshots=snapshots, progress=progress
            )
        else:
            tuned = fine_tune(
                model,
                data.train,
                val,
                config=config.fine_tuning(epochs=epochs),
                snapshots=snapshots,
                progress=progress,
            )
    need_finite_tensors(model, role="fine-tuned model")
    progress.step("evaluate")
    last = tuned.last if first is None else None  # else it was not measured, or among some classes only
    return replace(
        tuned,
        first=first or tuned.first,
        last=last or evaluate(model, to_measure(val, config.batch_size)),
    )


def _on_all_labels(
    model: nn.Module,
    data: TargetData,
    care: Care,
    *,
    epochs: int,
    config: AbsorbConfig,
    snapshots: Snapshots,
    progress: Progress,
) -> FineTuned:
    came = [tensor.clone() for tensor in statistics_of(model)]

    def settle(model: nn.Module) -> None:
        if care.held:
            put_statistics(model, came)
        else:
            recalibrate(model, in_order(care.sample, config.batch_size))

    if config.tuning == "refit":
        return refit(
            model,
            gather(data),
            block=count(data.val),
            config=config.fine_tuning(epochs=epochs),
            how=config.refit,
            snapshots=snapshots,
            start=STEM,
            settle=settle,
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
        settle=settle,
        progress=progress,
    )


def _labels(data: TargetData) -> int:
    return count(data.train) + count(data.val)
