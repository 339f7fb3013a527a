"""Write docs/benchmark.md and its figures from the ledger alone."""

import json
from collections.abc import Collection, Sequence
from pathlib import Path

from benchmarks.accuracy import plots
from benchmarks.accuracy.settings import CLAIM, NOT_WORSE, PARTIAL, SECOND_TASK, STARTS, Setting
from benchmarks.negative_transfer.summary import read
from benchmarks.negative_transfer.summary import table as harm_table
from tasks.studies import ledger
from tasks.studies.cell import Cell
from tasks.studies.plots import by_sources
from tasks.studies.tables import NOT_YET, cell_table, cost_table, difference_table, setting_table

HERE = Path(__file__).parent
MEMORY = HERE.parent / "memory" / "results.json"
HARM = HERE.parent / "negative_transfer" / "results.jsonl"
RIVALS = ("best_source", "refit_best_source", "fold_soup_best_source")


def tables(path: Path) -> str:
    """Show what a ledger has of every setting: spreads, then guarded's differences."""
    cells = list(ledger.records(path, Cell))
    names = list(dict.fromkeys(cell.setting for cell in cells))
    parts = [cell_table(cells, names)]
    parts += [f"{name}\n\n{difference_table(cells, [name], ours='guarded')}" for name in names]
    return "\n\n".join(parts)


def write(path: Path, docs: Path) -> None:
    """Write the report and its figures below docs; sections without cells say so."""
    cells = list(ledger.records(path, Cell))
    figures = docs / "benchmark"
    _figures(cells, figures)
    text = (HERE / "report.md").read_text()
    for name, content in _sections(cells).items():
        text = text.replace("{{" + name + "}}", content)
    (docs / "benchmark.md").write_text(text)


def _sections(cells: Sequence[Cell]) -> dict[str, str]:
    claim, guard, second = _measured(cells, CLAIM), _measured(cells, NOT_WORSE), _measured(cells, SECOND_TASK)
    partial, starts = _measured(cells, PARTIAL), _measured(cells, [*NOT_WORSE[-1:], *STARTS])
    peaks = json.loads(MEMORY.read_text()) if MEMORY.exists() else {}
    seeds = sorted({cell.seed for cell in cells})
    return {
        "seeds": f"{len(seeds)} ({seeds[0]} to {seeds[-1]})",
        "claim": difference_table(cells, claim, ours="guarded"),
        "by_setting": setting_table(cells, claim, ours="guarded", rivals=RIVALS),
        "alignment": difference_table(cells, claim, ours="tensor_steps"),
        "published": difference_table(cells, claim, ours="published"),
        "not_worse": setting_table(cells, guard, ours="guarded", rivals=RIVALS),
        "second": difference_table(cells, second, ours="guarded"),
        "partial": difference_table(cells, partial, ours="guarded"),
        "starts": cell_table(cells, starts),
        "chained": difference_table(cells, [STARTS[0].name], ours="guarded"),
        "from_served": difference_table(cells, [STARTS[1].name], ours="guarded"),
        "cells": cell_table(cells, [*claim, *guard, *partial, *_measured(cells, STARTS), *second]),
        "costs": cost_table(cells, claim, peaks),
        "plain": _peak(peaks, "plain fine-tune", "1"),
        "single": _peak(peaks, "guarded, folds=1", "8"),
        "harm": harm_table(harm) if (harm := read(HARM)) else NOT_YET,
    }


def _measured(cells: Collection[Cell], settings: Sequence[Setting]) -> list[str]:
    found = {cell.setting for cell in cells}
    return [setting.name for setting in settings if setting.name in found]


def _peak(peaks: dict[str, dict[str, float]], peer: str, count: str) -> str:
    return f"{peaks[peer][count]:.2f}" if peer in peaks else "(not measured yet)"


def _figures(cells: Sequence[Cell], directory: Path) -> None:
    stem = "digits S2 K{} plain {} B{}"
    by_sources(cells, stem.format(4, "chronological", 60), directory / "by-sources.png")
    budgets = {budget: stem.format(4, "chronological", budget) for budget in (20, 60, 200)}
    plots.by_budget(cells, budgets, directory / "by-budget.png")
    orders = {order: stem.format(4, order, 60) for order in ("chronological", "shuffled", "reverse")}
    plots.by_order(cells, orders, directory / "by-order.png")
