"""The report's figures: accuracy by sources absorbed, against label budget, and by order of arrival."""

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np

from benchmarks.accuracy.cells import Cell
from benchmarks.accuracy.stats import by_seed

COLOURS = {
    "guarded": "#1b7837",
    "refit_best_source": "#7fbf7b",
    "fold_soup_best_source": "#4393c3",
    "best_source": "#762a83",
    "last_source": "#af8dc3",
    "no_transfer": "#999999",
    "published": "#d6604d",
}
Line = tuple[str, Sequence[float], Sequence[float]]  # peer, x, y in points


def by_sources(cells: Collection[Cell], setting: str, path: Path) -> None:
    """Draw the mean accuracy after each source of one setting."""
    lines: list[Line] = []
    for peer in COLOURS:
        runs = [cell.accuracies for cell in cells if (cell.peer, cell.setting) == (peer, setting)]
        if runs:
            lines.append((peer, range(1, len(runs[0]) + 1), list(100 * np.mean(runs, axis=0))))
    _draw(lines, path, x="sources absorbed", title=setting, ticks=None)


def by_budget(cells: Collection[Cell], settings: dict[int, str], path: Path) -> None:
    """Draw the mean final accuracy against the number of labels."""
    names = {str(budget): setting for budget, setting in settings.items()}
    _draw(_across(cells, names), path, x="labels", title="digits S2 K4 chronological", ticks=list(names))


def by_order(cells: Collection[Cell], settings: dict[str, str], path: Path) -> None:
    """Draw the mean final accuracy for each order of arrival."""
    _draw(
        _across(cells, settings), path, x="order of arrival", title="digits S2 K4 B60", ticks=list(settings)
    )


def _across(cells: Collection[Cell], settings: dict[str, str]) -> list[Line]:
    """Give a line per peer over settings, of the seeds that guarded has in all: others would not compare."""
    seeds = set.intersection(*(set(by_seed(cells, "guarded", [setting])) for setting in settings.values()))
    lines: list[Line] = []
    for peer in COLOURS:
        found = [by_seed(cells, peer, [setting]) for setting in settings.values()]
        if seeds and all(seeds <= set(values) for values in found):
            means = [float(np.mean([values[seed] for seed in seeds])) for values in found]
            lines.append((peer, list(range(len(means))), means))
    return lines


def _draw(lines: Sequence[Line], path: Path, *, x: str, title: str, ticks: list[str] | None) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.4, 3.4), layout="constrained")
    axes = figure.subplots()
    for peer, at, values in lines:
        axes.plot(at, values, marker="o", markersize=3, label=peer, color=COLOURS[peer])
    axes.set(xlabel=x, ylabel="test accuracy, %", title=title)
    if lines:  # a ledger that is not complete may have none
        axes.set_xticks(list(lines[0][1]), labels=ticks)
        axes.legend(fontsize=7)
    axes.grid(alpha=0.3)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110, metadata={"Software": None})
