"""Means per seed, and paired differences between two peers over seeds."""

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from tasks.studies.cell import Cell

EQUAL = 1e-9  # points: below it figures that are rounded to 1e-6 do not differ


@dataclass(frozen=True, slots=True)
class Spread:
    """Mean and sample standard deviation (None of one seed), in points of accuracy, over so many seeds."""

    mean: float
    sd: float | None
    seeds: int


@dataclass(frozen=True, slots=True)
class Difference:
    """Mean difference in points, its t over seeds, the ratio of gradient passes (None: they have none)."""

    points: float
    t: float
    seeds: int
    passes: float | None


def by_seed(cells: Iterable[Cell], peer: str, settings: Collection[str]) -> dict[int, float]:
    """Give one final accuracy per seed, in points: the mean over the settings, which share that seed.

    Seeds that lack one of the settings are left out.
    """
    found = _whole(cells, peer, settings)
    return {seed: 100 * _mean(cell.accuracies[-1] for cell in here) for seed, here in found.items()}


def spread(cells: Iterable[Cell], peer: str, settings: Collection[str]) -> Spread:
    """Describe a peer's accuracy over seeds."""
    values = list(by_seed(cells, peer, settings).values())
    return spread_of(values)


def spread_of(values: Sequence[float]) -> Spread:
    """Describe values, one per seed."""
    sd = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return Spread(float(np.mean(values)), sd, len(values))


def difference(cells: Collection[Cell], ours: str, theirs: str, settings: Collection[str]) -> Difference:
    """Compare two peers seed by seed.

    t is 0 where they never differ, or with fewer than two seeds; infinite where all differ by the same.
    """
    left, right = by_seed(cells, ours, settings), by_seed(cells, theirs, settings)
    gaps = np.array([left[seed] - right[seed] for seed in left if seed in right])
    if len(gaps) < 2:
        return Difference(0.0, 0.0, len(gaps), None)
    error = gaps.std(ddof=1) / np.sqrt(len(gaps))
    t = _t(float(gaps.mean()), float(error))
    shared = [cell for cell in cells if cell.seed in left and cell.seed in right]
    base = mean_passes(shared, theirs, settings)
    passes = mean_passes(shared, ours, settings) / base if base else None
    return Difference(float(gaps.mean()), t, len(gaps), passes)


def mean_passes(cells: Iterable[Cell], peer: str, settings: Collection[str]) -> float:
    """Give the mean number of samples that went forward and backward in one sequence of sources."""
    return _mean(cell.gradient_passes for here in _whole(cells, peer, settings).values() for cell in here)


def mean_wall_s(cells: Iterable[Cell], peer: str, settings: Collection[str]) -> float:
    """Give the mean seconds that went by in one sequence of sources."""
    return _mean(cell.wall_s for here in _whole(cells, peer, settings).values() for cell in here)


def mean_cpu_s(cells: Iterable[Cell], peer: str, settings: Collection[str]) -> float:
    """Give the mean CPU seconds of one sequence of sources."""
    return _mean(cell.cpu_s for here in _whole(cells, peer, settings).values() for cell in here)


def _whole(cells: Iterable[Cell], peer: str, settings: Collection[str]) -> dict[int, list[Cell]]:
    """Give a peer's cells by seed, one per setting (the last, where a setting was measured twice)."""
    found: dict[int, dict[str, Cell]] = defaultdict(dict)
    for cell in cells:
        if cell.peer == peer and cell.setting in settings:
            found[cell.seed][cell.setting] = cell
    return {seed: list(here.values()) for seed, here in sorted(found.items()) if len(here) == len(settings)}


def _t(mean: float, error: float) -> float:
    if error < EQUAL:
        return 0.0 if abs(mean) < EQUAL else math.copysign(math.inf, mean)
    return mean / error


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))
