"""The same figures for a spreadsheet."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from tasks.reproduction.cells import Peak
from tasks.reproduction.results.tables import OURS, final_of
from tasks.reproduction.study import Study
from tasks.reproduction.worlds.world import World
from tasks.studies.cell import Cell
from tasks.studies.stats import difference, mean_cpu_s, mean_passes, mean_wall_s, spread_of
from tasks.studies.tables import memory_of, present
from tasks.studies.transfers import transfers


def write_cells(study: Study, world: World, cells: Sequence[Cell], path: Path) -> None:
    """Write one line per peer, seed, number of sources and tested period; accuracies lie in [0, 1]."""
    header = ["dataset", "architecture", "peer", "seed", "sources", "tested_on", "accuracy"]
    periods = (*world.sources, world.target)
    rows = (
        [study.dataset, cell.setting, cell.peer, cell.seed, number, period, accuracy]
        for cell in cells
        for number, row in enumerate(cell.matrix, start=1)
        for period, accuracy in zip(periods, row, strict=True)
    )
    _write(path, header, rows)


def write_summary(study: Study, cells: Sequence[Cell], peaks: Sequence[Peak], path: Path) -> None:
    """Write one line per architecture and peer; accuracies and differences are in points."""
    header = [
        *("dataset", "architecture", "peer", "seeds", "accuracy", "sd"),
        *(f"{ours}_minus_{what}" for ours in OURS for what in ("this", "this_t")),
        *("in_domain", "next_domain", "backward_transfer", "forward_transfer"),
        *("memory", "peak_bytes", "parameter_bytes", "gradient_passes", "cpu_s", "wall_s"),
    ]
    rows = [
        [study.dataset, setting, peer, *_figures(cells, setting, peer), *_costs(cells, setting, peer, peaks)]
        for setting in dict.fromkeys(cell.setting for cell in cells)
        for peer in present(cells, [setting])
    ]
    _write(path, header, rows)


def _figures(cells: Sequence[Cell], setting: str, peer: str) -> list[object]:
    values = final_of(cells, setting, peer)
    figures = spread_of(values)
    row: list[object] = [figures.seeds, round(figures.mean, 4), _rounded(figures.sd)]
    for ours in OURS:
        gap = difference(cells, ours, peer, [setting])
        row += [round(gap.points, 4), round(gap.t, 4)] if gap.seeds > 1 and ours != peer else [None, None]
    four = [transfers(cell.matrix) for cell in cells if (cell.setting, cell.peer) == (setting, peer)]
    for name in ("in_domain", "next_domain", "backward", "forward"):
        found = [value for each in four if (value := getattr(each, name)) is not None]
        row.append(_rounded(100 * sum(found) / len(found) if found else None))
    return row


def _costs(cells: Sequence[Cell], setting: str, peer: str, peaks: Sequence[Peak]) -> list[object]:
    peak = next((each for each in peaks if (each.setting, each.peer) == (setting, peer)), None)
    return [
        memory_of(peer),
        peak and peak.peaks[-1],
        peak and peak.parameters,
        round(mean_passes(cells, peer, [setting])),
        round(mean_cpu_s(cells, peer, [setting]), 3),
        round(mean_wall_s(cells, peer, [setting]), 3),
    ]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
