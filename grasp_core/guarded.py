"""One absorb in guarded mode: grow the stem as far as the labels allow, serve it fine-tuned on them all."""

from collections.abc import Callable

from torch import nn

from grasp_core.absorbed import Absorbed
from grasp_core.config import AbsorbConfig
from grasp_core.data.sample import all_labels, sampled
from grasp_core.data.target import TargetData, to_measure
from grasp_core.growth.stem import Compare, grow
from grasp_core.growth.way import Choose, line
from grasp_core.models.classes import labelled
from grasp_core.models.evaluate import evaluate
from grasp_core.models.snapshots import STEM, Snapshots, restored_on_error
from grasp_core.progress import Progress
from grasp_core.serve import Care, serve
from grasp_core.training.finetune import FineTuned


def absorb_guarded(
    target: nn.Module,
    load_source: Callable[[], nn.Module],
    data: TargetData,
    *,
    config: AbsorbConfig,
    snapshots: Snapshots,
    progress: Progress,
    compare: Compare | None = None,
    choose: Choose = line,
) -> Absorbed:
    """Grow the stem, then fine-tune it unless it stayed unchanged; see absorb for the contract."""
    snapshots.save(STEM, target)
    sample = sampled(data, limit=config.sample, seed=config.seed)
    with restored_on_error(STEM, target, snapshots):
        before = evaluate(target, to_measure(data.val, config.batch_size))
        known = labelled(target, all_labels(data), sample)
        growth = grow(
            target,
            load_source,
            sample,
            config=config,
            snapshots=snapshots,
            progress=progress,
            labelled=known,
            compare=compare,
            choose=choose,
        )
    tuned = FineTuned(epochs=(), kept=(), gradient_passes=0, first=before)
    if growth.choice != "unchanged":
        snapshots.save(STEM, target)
        care = Care(sample, growth.statistics.held, known)
        tuned = serve(
            target,
            data,
            epochs=config.epochs,
            config=config,
            snapshots=snapshots,
            progress=progress,
            care=care,
        )
    return Absorbed(
        mode="guarded",
        choice=growth.choice,
        alpha=growth.alpha,
        scores=growth.alphas,
        scalars_transferred=growth.scalars_transferred,
        scalars_total=sum(p.numel() for p in target.parameters()),
        before=before,
        after_transfer=tuned.first or before,
        after_fine_tune=tuned.last,
        epochs=tuned.epochs,
        kept=tuned.kept,
        gradient_passes=growth.gradient_passes + tuned.gradient_passes,
        pieces=tuned.pieces,
        stem_loss=growth.stem_loss,
        source_loss=growth.source_loss,
        search=growth.search,
        statistics=growth.statistics.share,
    )
