"""Where a lineage stands: its head, its next index, and whether a unit of work still builds on it."""

from tasks.contracts.state import Lineage, Point, State
from tasks.errors import JournalMoved
from tasks.units import Unit


def head_of(state: State, lineage: str, *, start: int | None) -> int | None:
    """Give the version that the next absorb of a lineage builds on; None when it has none yet.

    start: the version that a lineage without any decision would start from. The current lineage builds on
    the champion, which a person may have moved.
    """
    if lineage == state.lineage:
        return state.champion
    found = state.lineages.get(lineage)
    if found is None:
        return start
    return found.head if found.head is not None else found.start


def next_index(state: State, lineage: str, *, start: int | None) -> int:
    """Give the position that the next absorb of a lineage takes: a rebuilt one counts on from its start."""
    found = state.lineages.get(lineage)
    if found is not None:
        return found.index + 1
    point = state.versions.get(start) if start is not None else None
    return ((point or Point(lineage=lineage)).index or 0) + 1


def check_unmoved(state: State, unit: Unit) -> None:
    """Raise JournalMoved unless the unit still builds on the tip."""
    lineage = state.lineages.get(unit.lineage, Lineage())
    start = unit.parent_version if unit.rebuilds else None
    found = (
        unit.arrival_id not in lineage.held if unit.rebuilds else unit.arrival_id in state.open,
        (state.lineage == unit.lineage) != unit.rebuilds,
        head_of(state, unit.lineage, start=start),
        next_index(state, unit.lineage, start=start),
    )
    needed = (True, True, unit.parent_version, unit.index)
    if found != needed:
        raise JournalMoved(
            f"{unit.manifest_key} for target {unit.target}, lineage {unit.lineage}: (undecided, lineage as "
            f"planned, parent, index) are {found}, the work was done for {needed}; it is thought over again"
        )
