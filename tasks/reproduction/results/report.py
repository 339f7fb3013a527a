"""Write what a study has come to: report.md, two CSV files, one figure per architecture."""

from collections.abc import Sequence
from pathlib import Path

from grasp_core.seed import conditions
from tasks.reproduction.cells import Peak
from tasks.reproduction.place import Place
from tasks.reproduction.results.sheets import write_cells, write_summary
from tasks.reproduction.results.tables import (
    OURS,
    cost_table,
    result_table,
    source_table,
    step_table,
    transfer_table,
)
from tasks.reproduction.sources import UNTRAINED, Trained
from tasks.reproduction.study import Study
from tasks.reproduction.worlds.world import World
from tasks.studies import ledger
from tasks.studies.cell import Cell
from tasks.studies.plots import COLOURS, by_sources
from tasks.studies.tables import difference_table

REPORT = "report.md"
DRAWN = (*COLOURS, "ensemble", "fusion")  # more lines are no picture


def write_report(study: Study, world: World, place: Place) -> Path:
    """Write all of it from the ledgers alone; gives the report's path."""
    cells = list(ledger.records(place.cells, Cell))
    peaks = list(ledger.records(place.peaks, Peak))
    trained = list(ledger.records(place.trained, Trained))
    settings = list(dict.fromkeys(cell.setting for cell in cells))
    parts = [_head(study, world, cells, trained), result_table(cells, settings)]
    for setting in settings:
        figure = f"accuracy-{setting.replace('/', '--')}.png"
        here = [cell for cell in cells if cell.setting == setting]
        by_sources(here, setting, place.out / figure, peers=DRAWN)
        parts += _of_one(
            here,
            setting,
            world,
            [peak for peak in peaks if peak.setting == setting],
            [each for each in trained if each.setting == setting],
        )
        parts.append(f"![Accuracy by number of sources absorbed]({figure})")
    write_cells(study, world, cells, place.out / "cells.csv")
    write_summary(study, cells, peaks, place.out / "table.csv")
    report = place.out / REPORT
    report.write_text("\n\n".join(parts) + "\n")
    return report


def _head(study: Study, world: World, cells: Sequence[Cell], trained: Sequence[Trained]) -> str:
    seeds = ", ".join(map(str, sorted({cell.seed for cell in cells})))
    starts = {f"{each.setting} {each.start}" for each in trained if each.period == UNTRAINED}
    labels = f"{study.budget} labels" if study.budget else "all labels"
    return "\n".join(
        [
            f"# {study.dataset}, reproduced",
            "",
            f"Sources {', '.join(world.sources)}, absorbed in this order; target {world.target}. "
            f"{len(world.classes)} classes, images {world.spec.height} x {world.spec.width} x "
            f"{world.spec.channels}. Seeds: {seeds or 'none yet'}. Per source: {study.epochs} epochs at "
            f"{study.lr:g} on {labels} of the target; sources trained for {study.source_epochs} epochs at "
            f"{study.source_lr:g}. Weights before any training: {', '.join(sorted(starts)) or 'none yet'}. "
            + ", ".join(f"{name} {value}" for name, value in conditions().items())
            + ".",
            "",
            "Accuracies are percent on the target's test split, which decides nothing: mean ± standard "
            "deviation over seeds, after all sources.",
        ]
    )


def _of_one(
    cells: Sequence[Cell],
    setting: str,
    world: World,
    peaks: Sequence[Peak],
    trained: Sequence[Trained],
) -> list[str]:
    return [
        f"## {setting}",
        "Differences, paired by seed, with t over seeds:",
        *(difference_table(cells, [setting], ours=ours) for ours in OURS),
        "Accuracy by number of sources:",
        step_table(cells, setting),
        "Memory and time of one sequence of sources. Memory: how it grows with their number K. Peak: live "
        "tensors in sizes of the network's parameters (and in MiB after all sources), one epoch on a few "
        "labels in batches of four, so activations are in it. Tests and loading of data cost nothing here.",
        cost_table(cells, setting, peaks),
        "CLEAR's metrics (arXiv:2201.06289): accuracy of the model after each source on the period of that "
        "source, on the next one, on all before, on all after, the target's last. Every model but the "
        "ensemble's has seen labels of the target's period.",
        transfer_table(cells, setting),
        "The networks before anything is absorbed, on the test split of every period:",
        source_table(trained, (*world.sources, world.target)),
    ]
