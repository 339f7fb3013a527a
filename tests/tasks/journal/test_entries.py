"""What each entry does to the state, to the last field."""

from datetime import date, timedelta

from tasks.contracts.journal import (
    Attempted,
    Digests,
    Paused,
    Promoted,
    Requeued,
    RolledBack,
    Switched,
    Withdrawn,
)
from tasks.contracts.state import Closed, Lineage, Point, etag_mark
from tasks.journal.lineage_rules import weights_id
from tests.tasks.journal.script import A, B, C, Script

Y2014, Y2015 = ((date(year, 1, 1), date(year, 12, 31)) for year in (2014, 2015))


def promoted(script: Script, *arrivals: str, first: int = 2014) -> None:
    """Accept and promote arrivals of consecutive years, as versions 1, 2, ..."""
    for number, arrival in enumerate(arrivals, start=1):
        script.accept(arrival)
        script.decide(arrival, "promoted", number, first + number - 1)


def test_a_version_keeps_all_that_its_decision_says(script: Script):
    script.accept(A)
    state = script.decide(
        A,
        "promoted",
        1,
        figures={"gate_accuracy": 0.75, "test_accuracy": 0.5},
        digests=Digests(config="1" * 64, data="2" * 64, code="3"),
        weights_sha256="4" * 64,
        stem_sha256="5" * 64,
    )
    assert state.versions[1] == Point(
        lineage="main",
        role="champion",
        arrival_id=A,
        index=1,
        span=Y2014,
        gate_accuracy=0.75,
        data="2" * 64,
        served_sha256="4" * 64,
        stem_sha256="5" * 64,
        newest=Y2014,
    )
    assert state.lineages["main"] == Lineage(index=1, head=1, newest=Y2014)


def test_a_version_that_was_not_promoted_is_a_candidate_and_takes_the_lineage_no_further(script: Script):
    promoted(script, A)
    script.accept(B)
    state = script.decide(B, "rejected", 2, 2015)
    assert state.versions[2] == Point(
        lineage="main", role="candidate", arrival_id=B, index=2, span=Y2015, newest=Y2014
    )
    assert state.lineages["main"] == Lineage(index=2, head=1, newest=Y2014)


def test_a_decision_without_a_place_in_the_lineage_leaves_it_where_it_was(script: Script):
    promoted(script, A)
    script.accept(B)
    state = script.decide(B, "quarantined", None, 2015, index=None, source=None)
    assert state.lineages["main"] == Lineage(index=1, head=1, newest=Y2014)
    assert state.closed[B] == Closed("quarantined", 4, 3, etag_mark("e1"))


def test_what_waits_for_a_person_was_absorbed_and_may_not_be_absorbed_again(script: Script):
    script.accept(A)
    script.decide(A, "parked", 1, reason_code="manual")
    assert script.state.weights == {weights_id("s", "2014", A): 2}
    script.accept(B)
    script.decide(B, "parked", None, reason_code="late", index=None)
    assert set(script.state.weights) == {weights_id("s", "2014", A)}


def test_the_first_decision_on_weights_is_the_one_that_is_kept(script: Script):
    promoted(script, A)
    script.add(Requeued, arrival_id=A, reason="x")
    state = script.decide(A, "rejected", None)
    assert state.weights == {weights_id("s", "2014", A): 2}
    assert state.closed[A].seq == 4


def test_an_arrival_that_nobody_accepted_can_be_decided(script: Script):
    assert script.decide(A, "promoted", 1).closed[A] == Closed("promoted", 1, 0, 0)


def test_mlflow_has_to_show_every_decision(script: Script):
    script.accept(A)
    assert script.decide(A, "rejected", None, mlflow_run_id="r").to_project == 2
    script.accept(B)
    assert script.decide(B, "quarantined", None, index=None).to_project == 4


def test_attempts_are_counted_even_when_they_do_not_count(script: Script, stamp):
    script.accept(A)
    for again in range(2):
        script.add(Attempted, arrival_id=A, n=1, flow_run="f")
        state = script.add(Requeued, arrival_id=A, reason="x", attempts=0)
        assert (state.open[A].attempts, state.open[A].tries) == (0, again + 1)
    later = stamp(1)["at"] + timedelta(hours=1)
    script.add(Attempted, arrival_id=A, n=1, flow_run="f")
    state = script.add(Requeued, arrival_id=A, reason="broke off", attempts=1, at=later)
    assert (state.open[A].attempts, state.open[A].last_attempt_at) == (1, later)


def test_an_attempt_on_what_is_not_open_changes_nothing(script: Script):
    promoted(script, A)
    before = script.state
    state = script.add(Attempted, arrival_id=A, n=1, flow_run="f")
    assert state.model_copy(update={"seq": before.seq}) == before
    state = script.add(Requeued, arrival_id=B, reason="x")
    assert state.model_copy(update={"seq": before.seq}) == before


def test_a_requeued_arrival_may_have_left_something_in_mlflow(script: Script):
    promoted(script, A)
    opened = script.add(Requeued, arrival_id=A, reason="x", attempts=2).open[A]
    assert (opened.attempts, opened.tries, opened.requeued, opened.brief) == (2, 1, True, None)


def test_what_is_withdrawn_twice_or_before_it_came_is_no_error(script: Script):
    script.add(Withdrawn, arrival_id=A, reason="x")
    assert dict(script.add(Withdrawn, arrival_id=A, reason="x").withdrawn) == {A: 2}


def test_a_person_promotes_what_the_gate_rejected_and_the_lineage_follows(script: Script):
    promoted(script, A)
    script.accept(B)
    script.decide(B, "rejected", 2, 2015)
    state = script.add(Promoted, registry_version=2, arrival_id=B, reason="checked")
    assert (state.champion, state.previous, state.to_project) == (2, 1, 5)
    assert state.closed[B] == Closed("promoted", 4, 3, etag_mark("e1"))
    assert (state.versions[2].role, state.versions[2].newest) == ("champion", Y2015)
    assert state.lineages["main"] == Lineage(index=2, head=2, newest=Y2015)


def test_a_promotion_of_an_older_source_does_not_set_the_lineage_back(script: Script):
    promoted(script, A, first=2015)
    script.accept(B)
    script.decide(B, "rejected", 2, 2014)
    state = script.add(Promoted, registry_version=2, arrival_id=B, reason="checked")
    assert state.lineages["main"].newest == Y2015
    assert state.versions[2].newest == Y2015


def test_the_promotion_of_an_earlier_version_does_not_set_the_lineage_back(script: Script):
    promoted(script, A, first=2014)
    script.accept(B)
    script.decide(B, "promoted", 2, 2015)
    state = script.add(Promoted, registry_version=1, arrival_id=A, reason="checked")
    assert state.versions[1].newest == Y2014
    assert (state.lineages["main"].head, state.lineages["main"].newest) == (1, Y2015)


def test_a_version_that_the_journal_does_not_know_can_be_promoted(script: Script):
    promoted(script, A)
    state = script.add(Promoted, registry_version=7, arrival_id=C, reason="made elsewhere")
    assert (state.champion, state.previous) == (7, 1)
    assert state.versions[7] == Point(lineage="main", role="champion")
    assert state.lineages["main"].head == 1
    assert C not in state.closed


def test_the_champion_that_is_promoted_again_keeps_previous(script: Script):
    promoted(script, A, B)
    state = script.add(Promoted, registry_version=2, arrival_id=B, reason="x")
    assert (state.champion, state.previous) == (2, 1)


def test_a_rollback_goes_back_to_the_lineage_of_its_version(script: Script):
    promoted(script, A)
    script.add(Switched, lineage="redo", registry_version=1, reason="x")
    script.accept(B)
    script.decide(B, "promoted", 2, 2015, lineage="redo", index=2)
    state = script.add(RolledBack, registry_version=1, reason="x")
    assert (state.lineage, state.champion, state.previous, state.to_project) == ("main", 1, 2, 6)
    assert (state.versions[1].role, state.versions[2].role) == ("champion", "retired")
    state = script.add(RolledBack, registry_version=9, reason="x")
    assert (state.lineage, state.champion) == ("main", 9)


def test_a_rollback_before_any_champion_is_no_error(script: Script):
    state = script.add(RolledBack, registry_version=1, reason="x")
    assert (state.champion, state.previous) == (1, None)
    assert set(state.versions) == {1}


def test_what_is_decided_beside_the_current_lineage_is_held(script: Script):
    promoted(script, A)
    script.accept(B)
    script.decide(B, "promoted", 2, 2015, lineage="redo", parent_version=1, index=2)
    script.accept(C)
    state = script.decide(C, "rejected", None, 2016, lineage="redo", index=3)
    redo = state.lineages["redo"]
    assert (redo.start, redo.index, redo.head, redo.newest) == (1, 3, 2, Y2015)
    mark = etag_mark("e1")
    assert redo.held == {B: Closed("promoted", 4, 3, mark), C: Closed("rejected", 6, 5, mark)}
    assert redo.held_weights == {weights_id("s", "2015", B): 4, weights_id("s", "2016", C): 6}
    assert (state.champion, set(state.open), set(state.closed)) == (1, {B, C}, {A})
    assert state.versions[2].role == "champion"
    assert state.lineages["main"] == Lineage(index=1, head=1, newest=Y2014)


def test_a_held_decision_on_a_decided_arrival_keeps_where_it_was_accepted(script: Script):
    promoted(script, A)
    held = script.decide(A, "rejected", None, lineage="redo", index=1).lineages["redo"].held
    assert held[A] == Closed("rejected", 3, 1, etag_mark("e1"))


def test_a_lineage_that_starts_from_nothing_begins_at_its_start(script: Script):
    script.accept(A)
    redo = script.decide(A, "quarantined", None, lineage="redo", index=None).lineages["redo"]
    assert (redo.index, redo.newest, redo.start) == (0, None, None)


def test_a_switch_keeps_the_first_decision_on_weights(script: Script):
    promoted(script, A)
    script.decide(A, "promoted", 2, lineage="redo", index=1)
    state = script.add(Switched, lineage="redo", registry_version=2, reason="x")
    assert state.weights == {weights_id("s", "2014", A): 2}
    assert state.closed[A].seq == 3
    assert (state.to_project, state.lineages["redo"].held, state.lineages["redo"].held_weights) == (4, {}, {})
    assert (state.champion, state.previous, state.lineages["redo"].head) == (2, 1, 2)


def test_a_pause_changes_nothing_else(script: Script):
    promoted(script, A)
    before = script.state
    state = script.add(Paused, reason="x")
    assert state.model_copy(update={"paused": False, "seq": before.seq}) == before
