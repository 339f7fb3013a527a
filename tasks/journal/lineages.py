"""Where a lineage stands: its head, and the index that its next absorb takes."""

from tasks.contracts.state import Point, State


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
