"""The report's figures: accuracy against label budget, and by order of arrival."""

from collections.abc import Collection
from pathlib import Path

import numpy as np

from tasks.studies.cell import Cell
from tasks.studies.plots import COLOURS, Line, draw
from tasks.studies.stats import by_seed


def by_budget(cells: Collection[Cell], settings: dict[int, str], path: Path) -> None:
    """Draw the mean final accuracy against the number of labels."""
    names = {str(budget): setting for budget, setting in settings.items()}
    draw(_across(cells, names), path, x="labels", title="digits S2 K4 chronological", ticks=list(names))


def by_order(cells: Collection[Cell], settings: dict[str, str], path: Path) -> None:
    """Draw the mean final accuracy for each order of arrival."""
    draw(_across(cells, settings), path, x="order of arrival", title="digits S2 K4 B60", ticks=list(settings))


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
