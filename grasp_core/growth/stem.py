"""Grow the stem: decide by the labels how far a new source moves it. Steps 1 to 4 of guarded mode."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from torch import BoolTensor, nn

from grasp_core.config import AbsorbConfig
from grasp_core.data.samples import Samples
from grasp_core.data.target import to_measure
from grasp_core.growth.statistics import Fitted, as_they_came, fit_statistics
from grasp_core.growth.way import Choose, Trial, Way, line
from grasp_core.models.classes import Labelled, only_among
from grasp_core.models.evaluate import judge
from grasp_core.models.pairs import check_pair
from grasp_core.models.snapshots import STEM, Snapshots
from grasp_core.progress import Progress

Choice = Literal["first", "absorbed", "replaced", "unchanged"]  # what became of a target

# which elements of two models may move toward each other, given other, anchor and the labels
Compare = Callable[[nn.Module, nn.Module, Samples], Mapping[str, BoolTensor]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Growth:
    """What became of the stem."""

    choice: Choice
    alpha: float  # mean over tensors
    alphas: dict[str, float]  # how far each tensor went from the better of both models to the other
    scalars_transferred: int
    stem_loss: float  # on arrival, on the labels that decide, at the temperature that suits it (judge)
    source_loss: float
    statistics: Fitted
    search: tuple[Trial, ...]
    gradient_passes: int


def grow(
    stem: nn.Module,
    load_source: Callable[[], nn.Module],
    labels: Samples,
    *,
    config: AbsorbConfig,
    snapshots: Snapshots,
    progress: Progress,
    labelled: Labelled,
    compare: Compare | None = None,
    choose: Choose = line,
) -> Growth:
    """Move the stem toward a source as far as the labels' cross-entropy falls, in place.

    labelled: classes that have a label; what is measured leaves the others out, and statistics of a newcomer
    stay as they came where labels say too little.

    The better of both, each at the temperature that suits it (judge), leads: it takes from the other. compare
    (which elements may move; all without it) and choose are exchanged by the controls of grasp_core.peers.

    The stem must lie in snapshots under "stem", and is put back from there when it stays unchanged. The
    source is freed on return. Both models are the peak, with what compare and choose need.
    Raises IncompatibleSource, NonFiniteLoss.
    """
    progress.step("load")
    source = load_source()
    check_pair(source, stem)
    with only_among(source, labelled.classes), only_among(stem, labelled.classes):
        progress.step("recalibrate")
        fit = fit_statistics if labelled.enough else as_they_came
        fitted = fit(source, labels, batch_size=config.batch_size)
        progress.step("evaluate")
        stem_loss = judge(stem, to_measure(labels, config.batch_size)).tempered
        leads = fitted.loss < stem_loss
        anchor, other = (source, stem) if leads else (stem, source)
        mask = None
        if compare:
            progress.step("align")
            mask = compare(other, anchor, labels)
        progress.step("transfer")
        way = Way(
            anchor,
            other,
            labels,
            batch_size=config.batch_size,
            statistics=fitted.share,
            snapshots=snapshots,
            mask=mask,
        )
        chosen = choose(way, config.alphas)
        choice = _choice(chosen.alphas, newcomer_leads=leads)
        if choice == "unchanged":
            snapshots.load_into(STEM, stem)
        else:
            way.go(chosen.alphas)
            stem.load_state_dict(anchor.state_dict())
    return Growth(
        choice=choice,
        alpha=sum(chosen.alphas.values()) / len(chosen.alphas),
        alphas=dict(chosen.alphas),
        scalars_transferred=_moved(stem, chosen.alphas, mask, choice=choice, newcomer_leads=leads),
        stem_loss=stem_loss,
        source_loss=fitted.loss,
        statistics=fitted,
        search=chosen.trials,
        gradient_passes=chosen.gradient_passes + (2 * len(labels) if compare else 0),
    )


def _choice(alphas: Mapping[str, float], *, newcomer_leads: bool) -> Choice:
    if any(alphas.values()):
        return "absorbed"
    return "replaced" if newcomer_leads else "unchanged"


def _moved(
    stem: nn.Module,
    alphas: Mapping[str, float],
    mask: Mapping[str, BoolTensor] | None,
    *,
    choice: Choice,
    newcomer_leads: bool,
) -> int:
    """Count the scalars that have a part of the source in them: all of them where the source leads."""
    if choice == "unchanged":
        return 0
    sizes = {name: p.numel() for name, p in stem.named_parameters()}
    if newcomer_leads:
        return sum(sizes.values())
    if mask is not None:
        sizes = {name: int(mask[name].sum()) if name in mask else 0 for name in sizes}
    return sum(size for name, size in sizes.items() if alphas[name] > 0)
