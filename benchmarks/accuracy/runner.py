"""Work through the cells that a ledger lacks, over the cores."""

import multiprocessing
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import torch

from benchmarks.accuracy.cells import measure
from benchmarks.accuracy.settings import Setting
from tasks.studies import ledger

CACHE = Path(".bench/worlds")


@dataclass(frozen=True, slots=True)
class Unit:
    """Work of one worker: settings of one world with one seed, so that its sources are trained once."""

    settings: tuple[Setting, ...]
    seed: int
    path: Path

    @property
    def missing(self) -> list[tuple[Setting, str]]:
        """Name the cells that the ledger lacks."""
        done = ledger.done(self.path)
        pairs = [(setting, peer) for setting in self.settings for peer in setting.peers]
        return [pair for pair in pairs if (pair[0].name, self.seed, pair[1]) not in done]


def units(settings: Iterable[Setting], seeds: Iterable[int], path: Path) -> list[Unit]:
    """Give the units with work left, world by world, all seeds of a world before the next."""
    worlds = [tuple(group) for _, group in groupby(settings, key=lambda setting: setting.world)]
    seeds = tuple(seeds)
    every = [Unit(group, seed, path) for group in worlds for seed in seeds]
    return [unit for unit in every if unit.missing]


def work(unit: Unit) -> int:
    """Measure a unit's missing cells; give their number."""
    torch.set_num_threads(1)
    missing = unit.missing
    for setting, peer in missing:
        ledger.append(unit.path, measure(setting, peer, seed=unit.seed, cache=CACHE))
    return len(missing)


def run(settings: tuple[Setting, ...], seeds: tuple[int, ...], path: Path, *, workers: int) -> None:
    """Measure all that the ledger lacks, over the cores, and tell how far it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    ledger.mend(path)
    todo = units(settings, seeds, path)
    total, finished, begun = sum(len(unit.missing) for unit in todo), 0, time.monotonic()
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        for future in as_completed([pool.submit(work, unit) for unit in todo]):
            finished += future.result()
            spent_s = time.monotonic() - begun
            left_s = spent_s / finished * (total - finished)
            print(f"{finished} of {total} cells, {spent_s:.0f} s, about {left_s:.0f} s left", file=sys.stderr)
