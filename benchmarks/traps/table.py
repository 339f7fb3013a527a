"""The table of the traps, from the ledger alone."""

from collections.abc import Collection

from benchmarks.traps.traps import TRAPS
from tasks.studies.cell import Cell
from tasks.studies.stats import difference, spread
from tasks.studies.tables import markdown

RIVALS = ("as it came", "best_source")
ALLOWED = 1.0  # points under the best rival, in the mean

HEAD = """# Traps

Written by `make bench-traps`. Each trap is one thing that goes wrong where people have few labels; three
sources arrive one after the other, {seeds} seeds, accuracy on test images after the last, in %, mean ± sd.
*as it came*: the newest source, untouched. *best_source*: the source with the lowest validation loss
so far, fine-tuned with the same budget. *behind*: points that guarded mode is behind the better of these two
(below 0: it is ahead), with the t of the paired difference; {allowed:g} point is allowed. The champion before
counts through the gate, which keeps it when the new one is worse: [gate](../explanation/gate.md).

"""


def report(cells: Collection[Cell]) -> str:
    """Write the page."""
    names = [name for name in TRAPS if any(cell.setting == name for cell in cells)]
    seeds = len({cell.seed for cell in cells})
    rows = [_row(cells, name) for name in names]
    table = markdown(["trap", "guarded", *RIVALS, "behind", "t"], rows)
    return HEAD.format(seeds=seeds, allowed=ALLOWED) + table + "\n"


def _row(cells: Collection[Cell], name: str) -> list[str]:
    best = max(RIVALS, key=lambda rival: spread(cells, rival, [name]).mean)
    gap = difference(cells, best, "guarded", [name])
    figures = [spread(cells, who, [name]) for who in ("guarded", *RIVALS)]
    return [
        name,
        *(f"{each.mean:.1f} ± {each.sd:.1f}" for each in figures),
        f"{gap.points:+.1f}",
        f"{gap.t:+.1f}",
    ]
