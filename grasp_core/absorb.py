"""Absorb one source into a target: align, transfer, fine-tune."""

from collections.abc import Callable

from torch import nn

from grasp_core.absorbed import Absorbed
from grasp_core.config import AbsorbConfig
from grasp_core.data.sample import all_labels, sampled
from grasp_core.data.samples import Samples
from grasp_core.data.target import TargetData, to_measure
from grasp_core.growth.statistics import as_they_came, fit_statistics
from grasp_core.guarded import absorb_guarded
from grasp_core.models.classes import labelled, only_among
from grasp_core.models.evaluate import Metrics, evaluate
from grasp_core.models.pairs import check_pair
from grasp_core.models.snapshots import STEM, Snapshots
from grasp_core.progress import SILENT, Progress
from grasp_core.reference import absorb_reference
from grasp_core.serve import Care, serve


def absorb(
    target: nn.Module,
    load_source: Callable[[], nn.Module],
    data: TargetData,
    *,
    config: AbsorbConfig,
    snapshots: Snapshots,
    progress: Progress = SILENT,
) -> Absorbed:
    """Absorb one source. The target arrives as the stem and ends as the served model.

    In reference mode the target is its own stem. Afterwards snapshots hold, under "stem", what the next
    absorb has to be given as target. When the choice is "unchanged" the target ends as it arrived, and the
    served model stays the one of the absorb before.
    load_source gives a fresh module, which is freed before the fine-tune. Peak memory: four parameter sizes
    and activations, as in any fine-tune, when snapshots are not in memory; names that they see other than
    "stem" are scratch.
    Raises IncompatibleSource or NonFiniteLoss that names the tensor; until the fine-tune begins the target
    is then put back as it arrived.
    Source: GRASP, arXiv:2606.14900 (reference mode).
    """
    steps = absorb_reference if config.mode == "reference" else absorb_guarded
    return steps(target, load_source, data, config=config, snapshots=snapshots, progress=progress)


def begin(
    target: nn.Module,
    load_source: Callable[[], nn.Module],
    data: TargetData,
    *,
    config: AbsorbConfig,
    snapshots: Snapshots,
    progress: Progress = SILENT,
) -> Absorbed:
    """Make a target's first source its stem and fine-tune it: the first target.

    target: any module of the target's architecture; it ends as the served model. All else is as in absorb.
    """
    sample = sampled(data, limit=config.sample, seed=config.seed) if config.mode == "guarded" else None
    after_transfer, care, share = _become(target, load_source, data, sample, config=config, progress=progress)
    snapshots.save(STEM, target)
    tuned = serve(
        target,
        data,
        epochs=config.initial_epochs,
        config=config,
        snapshots=snapshots,
        progress=progress,
        care=care,
    )
    if config.mode == "reference":
        snapshots.save(STEM, target)
    scalars = sum(p.numel() for p in target.parameters())
    return Absorbed(
        mode=config.mode,
        choice="first",
        alpha=None,
        scores={},
        scalars_transferred=scalars,
        scalars_total=scalars,
        before=None,
        after_transfer=after_transfer,
        after_fine_tune=tuned.last,
        epochs=tuned.epochs,
        kept=tuned.kept,
        gradient_passes=tuned.gradient_passes,
        pieces=tuned.pieces,
        statistics=share,
    )


def _become(
    target: nn.Module,
    load_source: Callable[[], nn.Module],
    data: TargetData,
    sample: Samples | None,
    *,
    config: AbsorbConfig,
    progress: Progress,
) -> tuple[Metrics, Care | None, float | None]:
    """Copy the source into the target once it is known to work; the source is freed on return.

    sample: what its batch-norm statistics are fitted by; without one they stay. Gives its metrics on val,
    what guarded mode has to take care of, and the share of the labels in the statistics.
    """
    progress.step("load")
    source = load_source()
    check_pair(source, target)
    care, share = None, None
    if sample is not None:
        progress.step("recalibrate")
        known = labelled(source, all_labels(data), sample)
        fit = fit_statistics if known.enough else as_they_came
        with only_among(source, known.classes):
            fitted = fit(source, sample, batch_size=config.batch_size)
        care, share = Care(sample, fitted.held, known), fitted.share
    progress.step("evaluate")
    metrics = evaluate(source, to_measure(data.val, config.batch_size))
    progress.step("transfer")
    target.load_state_dict(source.state_dict())
    return metrics, care, share
