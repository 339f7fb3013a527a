"""Draw accuracy of several peers as lines, one figure to a file."""

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np

from tasks.studies.cell import Cell

COLOURS = {  # of those that every figure of this project shows; others get what is left
    "guarded": "#1b7837",
    "refit_best_source": "#7fbf7b",
    "fold_soup_best_source": "#4393c3",
    "best_source": "#762a83",
    "last_source": "#af8dc3",
    "no_transfer": "#999999",
    "published": "#d6604d",
}
Line = tuple[str, Sequence[float], Sequence[float]]  # peer, x, y in points


def by_sources(
    cells: Collection[Cell], setting: str, path: Path, *, peers: Collection[str] = COLOURS
) -> None:
    """Draw the mean accuracy after each source of one setting. peers: those to show, where measured."""
    lines: list[Line] = []
    for peer in peers:
        runs = [cell.accuracies for cell in cells if (cell.peer, cell.setting) == (peer, setting)]
        if runs:
            lines.append((peer, range(1, len(runs[0]) + 1), list(100 * np.mean(runs, axis=0))))
    draw(lines, path, x="sources absorbed", title=setting, ticks=None)


def draw(lines: Sequence[Line], path: Path, *, x: str, title: str, ticks: list[str] | None) -> None:
    """Write one figure; ticks: names of the points on the x axis, whole numbers without them."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.4, 3.4), layout="constrained")
    axes = figure.subplots()
    for peer, at, values in lines:
        axes.plot(at, values, marker="o", markersize=3, label=peer, color=COLOURS.get(peer))
    axes.set(xlabel=x, ylabel="test accuracy, %", title=title)
    if lines:  # a ledger that is not complete may have none
        axes.set_xticks(list(lines[0][1]), labels=ticks)
        axes.legend(fontsize=7)
    axes.grid(alpha=0.3)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110, metadata={"Software": None})
