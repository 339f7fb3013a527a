"""Grow the stem: decide by the labels how far a new source moves it. Steps 1 to 4 of guarded mode."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import BoolTensor, nn

from grasp_core.absorbed import Choice, Trial
from grasp_core.alignment import agreement
from grasp_core.config import AbsorbConfig
from grasp_core.data.batches import Batches
from grasp_core.models.batchnorm import recalibrate
from grasp_core.models.evaluate import evaluate
from grasp_core.models.pairs import check_pair
from grasp_core.models.snapshots import STEM, Snapshots
from grasp_core.progress import Progress

ANCHOR = "anchor"

# which elements of two models may move toward each other, given other, anchor and all labels
Compare = Callable[[nn.Module, nn.Module, Batches], Mapping[str, BoolTensor]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Growth:
    """What became of the stem."""

    choice: Choice
    alpha: float
    scores: dict[str, float]  # fraction of elements whose gradients agree, per tensor
    scalars_transferred: int
    stem_loss: float
    source_loss: float
    search: tuple[Trial, ...]
    gradient_passes: int


def grow(
    stem: nn.Module,
    load_source: Callable[[], nn.Module],
    labels: Batches,
    *,
    config: AbsorbConfig,
    snapshots: Snapshots,
    progress: Progress,
    compare: Compare = agreement,
) -> Growth:
    """Move the stem toward a source as far as the labels' cross-entropy falls, in place.

    compare is exchanged by the controls of grasp_core.peers; without a step above 0 nothing is compared.

    The stem must lie in snapshots under "stem", and is put back from there when it stays unchanged. The
    source is freed on return. Both models, one set of gradients and the signs of the other are the peak.
    Raises IncompatibleSource, NonFiniteLoss.
    """
    progress.step("load")
    source = load_source()
    check_pair(source, stem)
    progress.step("recalibrate")
    recalibrate(source, labels)
    progress.step("evaluate")
    before = evaluate(stem, labels)
    source_loss = evaluate(source, labels).loss
    newcomer_leads = source_loss < before.loss
    anchor, other = (source, stem) if newcomer_leads else (stem, source)
    progress.step("align")
    mask = compare(other, anchor, labels) if max(config.alphas) > 0 else {}
    scores = {name: float(agrees.double().mean()) for name, agrees in mask.items()}
    marked = sum(int(agrees.sum()) for agrees in mask.values())
    progress.step("transfer")
    trials = _search(anchor, other, mask, labels, alphas=config.alphas, snapshots=snapshots)
    alpha = min(trials, key=lambda trial: trial.loss).alpha
    choice = _choice(alpha, newcomer_leads=newcomer_leads)
    if choice == "unchanged":
        snapshots.load_into(STEM, stem)
    else:
        _take(anchor, other, alpha, labels, snapshots=snapshots)
        stem.load_state_dict(anchor.state_dict())
    moved = {"unchanged": 0, "absorbed": marked}.get(choice, 0)
    if newcomer_leads:
        moved = sum(p.numel() for p in stem.parameters())
    return Growth(
        choice=choice,
        alpha=alpha,
        scores=scores,
        scalars_transferred=moved,
        stem_loss=before.loss,
        source_loss=source_loss,
        search=trials,
        gradient_passes=2 * before.samples if mask else 0,
    )


def _choice(alpha: float, *, newcomer_leads: bool) -> Choice:
    if alpha > 0:
        return "absorbed"
    return "replaced" if newcomer_leads else "unchanged"


def _search(
    anchor: nn.Module,
    other: nn.Module,
    mask: Mapping[str, BoolTensor],
    labels: Batches,
    *,
    alphas: tuple[float, ...],
    snapshots: Snapshots,
) -> tuple[Trial, ...]:
    """Measure anchor + alpha * mask * (other - anchor) for each alpha; other becomes that difference."""
    snapshots.save(ANCHOR, anchor)
    anchored = dict(anchor.named_parameters())
    with torch.no_grad():
        for name, parameter in other.named_parameters():
            if name in mask:
                parameter.sub_(anchored[name]).mul_(mask[name])
            else:
                parameter.zero_()
    trials = []
    for alpha in alphas:
        _take(anchor, other, alpha, labels, snapshots=snapshots)
        trials.append(Trial(alpha=alpha, loss=evaluate(anchor, labels).loss))
    return tuple(trials)


def _take(anchor: nn.Module, step: nn.Module, alpha: float, labels: Batches, *, snapshots: Snapshots) -> None:
    """Make anchor its saved self plus alpha times step, with batch-norm statistics of the labels."""
    snapshots.load_into(ANCHOR, anchor)
    with torch.no_grad():
        for parameter, move in zip(anchor.parameters(), step.parameters(), strict=True):
            parameter.add_(move, alpha=alpha)
    recalibrate(anchor, labels)
