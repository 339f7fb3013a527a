"""The tables of a reproduction's report, in Markdown."""

from collections.abc import Callable, Iterable, Sequence

from grasp_core.peers.catalogue import PEERS
from tasks.reproduction.cells import Peak
from tasks.reproduction.sources import Trained
from tasks.studies.cell import Cell
from tasks.studies.stats import mean_cpu_s, mean_passes, mean_wall_s, spread_of
from tasks.studies.tables import markdown, memory_of, present, said
from tasks.studies.transfers import transfers

MIB = 2**20
OURS = ("guarded", "published")  # whose differences from all others are told


def result_table(cells: Sequence[Cell], settings: Sequence[str]) -> str:
    """Show the final accuracy of every peer, one column per architecture; their mean where all are there."""
    peers = [peer for peer in PEERS if any(cell.peer == peer for cell in cells)]
    rows = []
    for peer in peers:
        found = [final_of(cells, setting, peer) for setting in settings]
        means = [sum(values) / len(values) for values in found if values]
        mean = f"{sum(means) / len(means):.1f}" if len(means) == len(settings) else ""
        rows.append([peer, *map(_said, found), *([mean] if len(settings) > 1 else [])])
    return markdown(["peer", *settings, *(["mean"] if len(settings) > 1 else [])], rows)


def final_of(cells: Iterable[Cell], setting: str, peer: str) -> list[float]:
    """Give the accuracies after all sources, in points, one per seed."""
    return [100 * cell.accuracies[-1] for cell in cells if (cell.setting, cell.peer) == (setting, peer)]


def step_table(cells: Sequence[Cell], setting: str) -> str:
    """Show the accuracy after each source."""
    count = len(cells[0].accuracies)
    return _per_peer(
        cells,
        setting,
        ["sources absorbed", *(str(number + 1) for number in range(count))],
        lambda cell: [100 * accuracy for accuracy in cell.accuracies],
    )


def transfer_table(cells: Sequence[Cell], setting: str) -> str:
    """Show CLEAR's metrics."""

    def points(cell: Cell) -> list[float | None]:
        found = transfers(cell.matrix)
        four = (found.in_domain, found.next_domain, found.backward, found.forward)
        return [None if value is None else 100 * value for value in four]

    header = ["peer", "in-domain", "next-domain", "backward transfer", "forward transfer"]
    return _per_peer(cells, setting, header, points)


def cost_table(cells: Sequence[Cell], setting: str, peaks: Sequence[Peak]) -> str:
    """Show memory, gradient passes and time; a peak after the first two sources, and after all."""
    measured = {peak.peer: peak for peak in peaks}
    count = len(cells[0].accuracies)
    rows = []
    for peer in present(cells, [setting]):
        costs = [
            f"{mean_passes(cells, peer, [setting]):.0f}",
            f"{mean_cpu_s(cells, peer, [setting]):.1f}",
            f"{mean_wall_s(cells, peer, [setting]):.1f}",
        ]
        rows.append([peer, memory_of(peer), *_peaks(measured.get(peer)), *costs])
    header = [f"peak at K = {min(2, count)}", f"peak at K = {count}", "MiB", "gradient passes", "CPU s", "s"]
    return markdown(["peer", "memory", *header], rows)


def source_table(trained: Sequence[Trained], periods: Sequence[str]) -> str:
    """Show what each network knows before anything is absorbed: mean accuracy on every period's test."""
    rows = []
    for name in dict.fromkeys(each.period for each in trained):
        here = [each for each in trained if each.period == name]
        known = [_said([100 * each.accuracies[number] for each in here]) for number in range(len(periods))]
        own = [100 * each.val_accuracy for each in here if each.val_accuracy is not None]
        rows.append([name, *known, _said(own), f"{sum(each.wall_s for each in here) / len(here):.1f}"])
    return markdown(["network", *periods, "own val", "s"], rows)


def _peaks(peak: Peak | None) -> list[str]:
    if peak is None:
        return ["", "", ""]
    early, late = peak.peaks[:2][-1], peak.peaks[-1]
    return [f"{early / peak.parameters:.1f}", f"{late / peak.parameters:.1f}", f"{late / MIB:.1f}"]


def _per_peer(
    cells: Sequence[Cell],
    setting: str,
    header: Sequence[str],
    figures: Callable[[Cell], Sequence[float | None]],
) -> str:
    rows = []
    for peer in present(cells, [setting]):
        columns = zip(*(figures(cell) for cell in cells if cell.peer == peer), strict=True)
        rows.append([peer, *(_said([value for value in each if value is not None]) for each in columns)])
    return markdown(header, rows)


def _said(values: Sequence[float]) -> str:
    return said(spread_of(values)) if values else "–"
