"""Tables of the report, in Markdown."""

from collections.abc import Collection, Iterable, Sequence

from grasp_core.peers.catalogue import PEERS
from grasp_core.peers.peer import Memory, Peer
from tasks.studies.cell import Cell
from tasks.studies.stats import Difference, Spread, difference, mean_cpu_s, mean_passes, spread

ENOUGH = 3  # seeds below which a difference is not shown
NOT_YET = f"Not measured yet (on {ENOUGH} seeds at least)."


def markdown(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Lay out a table; the first column is text, the others are right-aligned."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def present(cells: Collection[Cell], settings: Collection[str]) -> list[str]:
    """Name the peers that were measured in all the settings, in the catalogue's order."""
    pairs = {(cell.peer, cell.setting) for cell in cells}
    return [peer for peer in PEERS if all((peer, setting) in pairs for setting in settings)]


def cell_table(cells: Collection[Cell], settings: Sequence[str]) -> str:
    """Show mean ± sd over seeds, one row per setting, one column per peer."""
    peers = [peer for peer in PEERS if any(cell.peer == peer and cell.setting in settings for cell in cells)]
    rows = []
    for setting in settings:
        here = present(cells, [setting])
        rows.append([setting, *(_spread(cells, peer, setting) if peer in here else "" for peer in peers)])
    return markdown(["setting", *peers], rows)


def difference_table(cells: Collection[Cell], settings: Sequence[str], *, ours: str) -> str:
    """Show one peer's paired differences from all others, over the mean of the settings."""
    rows = []
    here = present(cells, settings) if settings else []
    for peer in here if ours in here else []:
        if peer != ours:
            gap = difference(cells, ours, peer, settings)
            if gap.seeds >= ENOUGH:
                rows.append([peer, f"{gap.points:+.2f}", f"{gap.t:+.1f}", str(gap.seeds), _ratio(gap)])
    header = [f"{ours} minus", "points", "t", "seeds", "gradient passes, ratio"]
    return markdown(header, rows) if rows else NOT_YET


def setting_table(
    cells: Collection[Cell], settings: Sequence[str], *, ours: str, rivals: Sequence[str]
) -> str:
    """Show one peer's paired differences from a few others, with the ratio of passes, setting by setting."""
    rows = []
    for setting in settings:
        here = present(cells, [setting])
        gaps = {rival: difference(cells, ours, rival, [setting]) for rival in rivals if rival in here}
        seeds = max((gap.seeds for gap in gaps.values()), default=0)
        if seeds >= ENOUGH:
            figures = (_figures(gaps[rival]) if rival in gaps else "" for rival in rivals)
            rows.append([setting, str(seeds), *figures])
    return markdown([f"{ours} minus", "seeds", *rivals], rows) if rows else NOT_YET


def cost_table(cells: Collection[Cell], settings: Sequence[str], peaks: dict[str, dict[str, float]]) -> str:
    """Show what a sequence of sources costs each peer; peaks: parameter sizes by number of sources."""
    counts = sorted({count for peer in PEERS for count in peaks.get(peer, {})}, key=int)
    rows = []
    for peer in present(cells, settings):
        peak = [f"{peaks[peer][count]:.2f}" if count in peaks.get(peer, {}) else "" for count in counts]
        passes, cpu_s = mean_passes(cells, peer, settings), mean_cpu_s(cells, peer, settings)
        rows.append([peer, memory_of(peer), *peak, f"{passes:.0f}", f"{cpu_s:.2f}"])
    header = [f"peak at K = {count}" for count in counts]
    return markdown(["peer", "memory", *header, "gradient passes", "CPU s"], rows)


def memory_of(peer: str) -> Memory:
    """Say how a peer's memory grows with the number of sources."""
    memory: Memory = getattr(PEERS[peer], "memory", Peer.memory)
    return memory


def _ratio(gap: Difference) -> str:
    return "-" if gap.passes is None else f"{gap.passes:.2f}"


def _spread(cells: Collection[Cell], peer: str, setting: str) -> str:
    return said(spread(cells, peer, [setting]))


def said(figures: Spread) -> str:
    """Say mean ± standard deviation; the mean alone of one seed."""
    return f"{figures.mean:.1f}" + ("" if figures.sd is None else f" ± {figures.sd:.1f}")


def _figures(gap: Difference) -> str:
    return f"{gap.points:+.2f} (t {gap.t:+.1f}, {_ratio(gap)}x)"
