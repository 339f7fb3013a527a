"""One absorb in guarded mode: grow the stem as far as the labels allow, serve it fine-tuned on them all."""

from collections.abc import Callable

from torch import nn

from grasp_core.absorbed import Absorbed
from grasp_core.alignment import agreement
from grasp_core.config import AbsorbConfig
from grasp_core.data.target import Labels, TargetData, in_order
from grasp_core.models.evaluate import evaluate
from grasp_core.models.snapshots import STEM, Snapshots, restored_on_error
from grasp_core.progress import Progress
from grasp_core.serve import serve
from grasp_core.stem import Compare, grow
from grasp_core.training.finetune import FineTuned

_NOT_TUNED = FineTuned(epochs=(), kept=(), gradient_passes=0)


def absorb_guarded(
    target: nn.Module,
    load_source: Callable[[], nn.Module],
    data: TargetData,
    *,
    config: AbsorbConfig,
    snapshots: Snapshots,
    progress: Progress,
    compare: Compare = agreement,
) -> Absorbed:
    """Grow the stem, then fine-tune it unless it stayed unchanged; see absorb for the contract."""
    snapshots.save(STEM, target)
    labels = Labels(data, config.batch_size)
    with restored_on_error(STEM, target, snapshots):
        before = evaluate(target, in_order(data.val, config.batch_size))
        growth = grow(
            target,
            load_source,
            labels,
            config=config,
            snapshots=snapshots,
            progress=progress,
            compare=compare,
        )
        progress.step("evaluate")
        after_transfer = evaluate(target, in_order(data.val, config.batch_size))
    tuned, served = _NOT_TUNED, None
    if growth.choice != "unchanged":
        snapshots.save(STEM, target)
        tuned, served = serve(
            target, data, epochs=config.epochs, config=config, snapshots=snapshots, progress=progress
        )
    return Absorbed(
        mode="guarded",
        choice=growth.choice,
        alpha=growth.alpha,
        scores=growth.scores,
        scalars_transferred=growth.scalars_transferred,
        scalars_total=sum(p.numel() for p in target.parameters()),
        before=before,
        after_transfer=after_transfer,
        after_fine_tune=served,
        epochs=tuned.epochs,
        kept=tuned.kept,
        gradient_passes=growth.gradient_passes + tuned.gradient_passes,
        stem_loss=growth.stem_loss,
        source_loss=growth.source_loss,
        search=growth.search,
    )
