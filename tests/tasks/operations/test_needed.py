"""Which versions keep their weights when a target is pruned."""

import pytest

from tasks.contracts.state import Closed, ClosedArrivals, Lineage, Point, State
from tasks.operations.needed import needed_versions

DATA = "d" * 64


def point(number: int, *, role: str = "candidate", accuracy: float = 0.5, lineage: str = "main") -> Point:
    arrival = f"{number:064x}"
    return Point(lineage=lineage, role=role, arrival_id=arrival, gate_accuracy=accuracy, data=DATA)


def state(**changes: object) -> State:
    """Ten versions; 8 is champion, 6 is previous."""
    versions = {n: point(n, role="champion" if n in (1, 4, 6, 8) else "candidate") for n in range(1, 11)}
    fields = {"versions": versions, "champion": 8, "previous": 6, "lineages": {"main": Lineage(head=8)}}
    return State(**fields | changes)


def needed(given: State, *, keep: int = 0, aliased: tuple[int, ...] = ()) -> set[int]:
    return needed_versions(given, keep=keep, aliased=aliased, data=DATA)


def test_champion_and_previous_keep_their_weights():
    assert needed(state()) == {6, 8}


def test_the_newest_keep_theirs_as_asked():
    assert needed(state(), keep=3) == {6, 8, 9, 10}


def test_what_any_alias_names_keeps_its_weights():
    assert needed(state(), aliased=(2,)) == {2, 6, 8}


@pytest.mark.parametrize(("lineage", "kept"), [(Lineage(start=3), {3}), (Lineage(start=3, head=9), {3, 9})])
def test_start_and_head_of_every_lineage_keep_theirs(lineage: Lineage, kept: set[int]):
    given = state(lineages={"main": Lineage(head=8), "backfill-1": lineage})
    assert needed(given) == {6, 8} | kept


def test_what_waits_for_a_person_keeps_its_weights():
    closed = ClosedArrivals()
    closed[f"{5:064x}"] = Closed("parked", 3, 1, 0)
    closed[f"{7:064x}"] = Closed("rejected", 4, 2, 0)
    assert needed(state(closed=closed)) == {5, 6, 8}


def test_the_best_earlier_champion_keeps_its_weights():
    given = state()
    better = {**given.versions, 4: point(4, role="champion", accuracy=0.9)}
    assert needed(given.model_copy(update={"versions": better})) == {4, 6, 8}
