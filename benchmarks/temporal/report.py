"""Write docs/benchmark/temporal.md and its figure from the ledger, and from the drift matrix beside it."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.accuracy.settings import Setting
from benchmarks.temporal.corpus import shares
from benchmarks.temporal.drift import Drift, drift
from benchmarks.temporal.features import periods, ready
from benchmarks.temporal.settings import BLOCK, FULL, STARTS
from tasks.studies import ledger
from tasks.studies.cell import Cell
from tasks.studies.plots import by_sources
from tasks.studies.tables import NOT_YET, cell_table, difference_table, markdown, setting_table

HERE = Path(__file__).parent
RIVALS = ("random_steps", "random_mask", "refit_best_source", "best_source")
SPLITS = (0, 1, 2)  # seeds that deal out what the probes are tested on


def write(path: Path, docs: Path) -> None:
    """Write the page and its figure below docs; tables without cells say so."""
    cells = list(ledger.records(path, Cell))
    shown = [setting for setting in BLOCK if setting.budget == 60]
    names = _measured(cells, shown)
    sections = {
        "drift": table(_drift(path.with_name("drift.json"))),
        "block_labels": "60",
        "block": difference_table(cells, names, ours="guarded"),
        "partial": difference_table(cells, [STARTS[0].name], ours="guarded"),
        "chained": difference_table(cells, [STARTS[1].name], ours="guarded"),
        "by_setting": setting_table(cells, _measured(cells, FULL), ours="guarded", rivals=RIVALS),
        "cells": cell_table(cells, _measured(cells, FULL)) if cells else NOT_YET,
    }
    text = (HERE / "report.md").read_text()
    for name, content in sections.items():
        text = text.replace("{{" + name + "}}", content)
    by_sources(cells, shown[0].name, docs / "benchmark" / "temporal-by-sources.png")
    (docs / "benchmark" / "temporal.md").write_text(text)


def table(found: Drift) -> str:
    """Lay out the drift matrix."""
    rows = zip(found.periods, found.accuracies, strict=True)
    return markdown(
        ["trained on", *found.periods], [[label, *(f"{value:.1f}" for value in row)] for label, row in rows]
    )


def _drift(path: Path) -> Drift:
    """Read the drift matrix, computed first where it was not yet."""
    if not path.exists():
        tests = [frozenset(shares(seed)[0].tolist()) for seed in SPLITS]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(drift(periods(ready()), tests)), indent=1) + "\n")
    kept = json.loads(path.read_text())
    return Drift(tuple(kept["periods"]), tuple(map(tuple, kept["accuracies"])), kept["splits"])


def _measured(cells: Sequence[Cell], settings: Sequence[Setting]) -> list[str]:
    found = {cell.setting for cell in cells}
    return [setting.name for setting in settings if setting.name in found]
