"""The fold: one rule per kind of entry, pure, and the same however the entries are cut into pieces."""

import hashlib
import json
from datetime import date, timedelta

import pytest

from tasks.contracts.changed import Change, Changed, Measured, OnGate
from tasks.contracts.journal import (
    Attempted,
    Paused,
    Promoted,
    Requeued,
    Resumed,
    RolledBack,
    Switched,
    Withdrawn,
)
from tasks.contracts.state import State, etag_mark
from tasks.errors import InvalidDocument
from tasks.journal.fold import fold
from tasks.journal.lineage_rules import weights_id
from tests.tasks.journal.script import A, B, C, Script


def test_an_accepted_arrival_is_open_until_it_is_decided(script: Script):
    assert script.accept(A).open[A].accepted_seq == 1
    state = script.decide(A, "promoted", 1)
    assert A not in state.open
    assert state.closed[A] == ("promoted", 2, 1, etag_mark("e1"))


def test_accepting_twice_keeps_the_decision(script: Script):
    script.accept(A)
    script.decide(A, "promoted", 1)
    assert A not in script.accept(A).open


def test_a_promotion_moves_champion_and_previous(script: Script):
    for number, arrival in enumerate((A, B), start=1):
        script.accept(arrival)
        script.decide(arrival, "promoted", number)
    assert (script.state.champion, script.state.previous) == (2, 1)
    script.accept(C)
    script.decide(C, "rejected", None)
    assert (script.state.champion, script.state.previous) == (2, 1)


def test_a_person_promotes_and_rolls_back(script: Script):
    for number, arrival in enumerate((A, B), start=1):
        script.accept(arrival)
        script.decide(arrival, "promoted", number)
    state = script.add(RolledBack, registry_version=1, reason="worse on Mondays")
    assert (state.champion, state.previous) == (1, 2)
    assert state.versions[2].role == "retired"
    state = script.add(Promoted, registry_version=2, arrival_id=B, reason="repaired")
    assert (state.champion, state.previous) == (2, 1)
    assert state.versions[2].role == "champion"


def test_only_what_was_absorbed_may_not_be_absorbed_again(script: Script):
    script.accept(A)
    script.decide(A, "quarantined", None, index=None)
    assert not script.state.weights
    script.accept(B)
    script.decide(B, "rejected", None)
    assert script.state.weights == {weights_id("s", "2014", B): 4}


def test_attempts_count_and_are_taken_back(script: Script, stamp):
    script.accept(A)
    state = script.add(Attempted, arrival_id=A, n=1, flow_run="f")
    assert state.open[A].attempts == 1
    assert state.open[A].last_attempt_at == stamp(1)["at"]
    state = script.add(Requeued, arrival_id=A, reason="the store was away", attempts=0)
    assert (state.open[A].attempts, state.open[A].last_attempt_at) == (0, None)
    assert not state.open[A].requeued


def test_taking_an_attempt_back_leaves_the_clock_of_the_blob_alone(script: Script, stamp):
    script.accept(A)
    later = stamp(2)["at"] + timedelta(hours=3)
    state = script.add(Requeued, arrival_id=A, reason="x", at=later)
    assert state.open[A].since == stamp(1)["at"]


def test_requeueing_a_decided_arrival_opens_it_with_a_fresh_clock(script: Script, stamp):
    script.accept(A)
    script.decide(A, "quarantined", None, index=None)
    later = stamp(3)["at"] + timedelta(hours=30)
    state = script.add(Requeued, arrival_id=A, reason="uploaded now", at=later)
    assert A not in state.closed
    opened = state.open[A]
    assert (opened.accepted_seq, opened.etag_mark, opened.since) == (1, etag_mark("e1"), later)
    assert opened.requeued


def test_a_withdrawn_arrival_is_no_longer_open_but_its_decision_stands(script: Script):
    script.accept(A)
    script.accept(B)
    script.decide(B, "promoted", 1)
    script.add(Withdrawn, arrival_id=A, reason="deleted")
    state = script.add(Withdrawn, arrival_id=B, reason="deleted")
    assert not state.open
    assert B in state.closed
    assert set(state.withdrawn) == {A, B}
    assert set(script.accept(A).withdrawn) == {B}  # published again


def test_the_newest_period_is_the_greatest_that_was_promoted(script: Script):
    for arrival, year, decision in ((A, 2016, "promoted"), (B, 2014, "promoted"), (C, 2020, "rejected")):
        script.accept(arrival)
        script.decide(arrival, decision, 1 if decision == "promoted" else None, year)
    assert script.state.lineages["main"].newest == (date(2016, 1, 1), date(2016, 12, 31))
    assert script.state.lineages["main"].index == 3


def test_another_lineage_changes_nothing_here_until_it_is_switched_to(script: Script):
    script.accept(A)
    script.decide(A, "promoted", 1)
    script.accept(B)
    state = script.decide(B, "promoted", 2, lineage="redo")
    assert (state.champion, state.lineage) == (1, "main")
    assert B in state.open
    state = script.add(Switched, lineage="redo", registry_version=2, reason="better")
    assert (state.champion, state.previous, state.lineage) == (2, 1, "redo")


def test_paused_until_resumed(script: Script):
    assert script.add(Paused, reason="holiday").paused
    assert not script.add(Resumed, reason="back").paused


def test_a_manifest_that_can_be_read_leaves_what_is_asked_again_and_again(script: Script, bucket):
    manifest = bucket.manifest("2014")
    state = script.accept(A, json.dumps(manifest))
    brief = state.open[A].brief
    assert brief
    assert (brief.period.label, brief.rev, brief.weights.sha256) == ("2014", 1, manifest["weights"]["sha256"])
    assert script.accept(B, "not JSON").open[B].brief is None
    assert script.accept(C, None).open[C].brief is None


def test_the_state_given_stays_as_it_is(script: Script):
    script.accept(A)
    before, copy = script.state, script.state.model_dump_json()
    script.decide(A, "promoted", 1)
    script.add(Withdrawn, arrival_id=B, reason="x")
    assert before.model_dump_json() == copy


def test_folding_in_pieces_through_the_cache_is_folding_at_once(script: Script):
    for number, arrival in enumerate((A, B, C), start=1):
        script.accept(arrival)
        script.decide(arrival, "promoted", number)
    script.add(RolledBack, registry_version=1, reason="x")
    script.add(Withdrawn, arrival_id=A, reason="x")
    script.add(Requeued, arrival_id=B, reason="x")
    whole = fold(State(), script.entries)
    for cut in range(len(script.entries)):
        cached = State.model_validate_json(fold(State(), script.entries[:cut]).model_dump_json())
        assert fold(cached, script.entries[cut:]) == whole


def test_a_gap_is_refused(stamp):
    with pytest.raises(InvalidDocument, match="entry 3 follows entry 0, needs 1"):
        fold(State(), [Paused(**stamp(3), reason="x")])


def test_a_rebuilt_lineage_counts_on_from_its_start_and_closes_arrivals_when_it_takes_over(script: Script):
    for number, (arrival, year) in enumerate(((A, 2014), (B, 2015)), start=1):
        script.accept(arrival)
        script.decide(arrival, "promoted", number, year)
    late = script.accept(C).seq
    redo = script.decide(C, "rejected", None, 2014, lineage="redo", index=2, parent_version=1).lineages[
        "redo"
    ]
    assert (redo.start, redo.index, redo.newest) == (1, 2, (date(2014, 1, 1), date(2014, 12, 31)))
    assert C in script.state.open
    assert weights_id("s", "2014", C) not in script.state.weights
    state = script.add(Switched, lineage="redo", registry_version=1, reason="x")
    assert state.closed[C] == ("rejected", late + 1, late, etag_mark("e1"))
    assert C not in state.open
    assert weights_id("s", "2014", C) in state.weights
    assert not state.lineages["redo"].held


def test_a_switch_to_a_lineage_without_decisions_goes_on_from_its_start(script: Script):
    for number, (arrival, year) in enumerate(((A, 2014), (B, 2015)), start=1):
        script.accept(arrival)
        script.decide(arrival, "promoted", number, year)
    state = script.add(Switched, lineage="without-b", registry_version=1, reason="b is poisoned")
    assert state.lineages["without-b"].index == 1
    assert state.lineages["without-b"].newest == (date(2014, 1, 1), date(2014, 12, 31))
    assert (state.champion, state.lineage) == (1, "without-b")


@pytest.mark.parametrize("attempts", [0, 1])
def test_a_withdrawn_arrival_that_was_attempted_leaves_something_to_show(script: Script, attempts: int):
    script.accept(A)
    for _ in range(attempts):
        script.add(Attempted, arrival_id=A, n=1, flow_run="f")
    state = script.add(Withdrawn, arrival_id=A, reason="r")
    assert state.to_project == (state.seq if attempts else 0)


LAYOUT, FOLDED = 5, "a2007ef93487e9d027af61e379e8895eaef2eb08640abdf22c424dc4fc3e3349"


def test_who_changes_the_fold_raises_its_layout(script: Script):
    """What this journal comes to is written down: caches that another fold made would be believed else."""
    script.accept(A)
    script.accept(B)
    script.accept(C)
    script.add(Attempted, arrival_id=A, n=1, flow_run="f")
    script.add(Requeued, arrival_id=A, reason="r", attempts=1)
    script.decide(A, "promoted", 1, weights_sha256=A, mlflow_run_id="run")
    script.add(Attempted, arrival_id=B, n=1, flow_run="f")
    script.decide(B, "rejected", 2, 2015, parent_version=1, mlflow_run_id="run")
    script.add(Promoted, registry_version=2, reason="r", arrival_id=B)
    script.add(RolledBack, registry_version=1, reason="r")
    script.add(Attempted, arrival_id=C, n=1, flow_run="f")
    script.add(Withdrawn, arrival_id=C, reason="r")
    script.decide(B, "promoted", 3, 2016, lineage="other", index=1, parent_version=1, mlflow_run_id="run")
    script.add(Switched, lineage="other", registry_version=3, reason="r")
    script.add(Paused, reason="r")
    script.add(Resumed, reason="r")
    states = (fold(State(), script.entries[:end]).model_dump_json() for end in range(len(script.entries) + 1))
    folded = hashlib.sha256("".join(states).encode()).hexdigest()
    assert (State().layout, folded) == (LAYOUT, FOLDED)


def test_the_newest_change_of_the_target_is_known(script: Script):
    fields = {"changes": (Change(name="epochs", before="3", after="5"),), "replaced": (A,), "document": "{}"}
    assert script.add(Changed, **fields, reason="r").changed == 1
    assert script.add(Changed, **fields, reason="r").changed == 2


def test_champions_measured_on_new_data_count_there_with_what_they_have_there(script: Script):
    script.accept(A)
    script.decide(A, "promoted", 1, figures={"gate_accuracy": 0.9})
    point = OnGate(registry_version=1, gate_accuracy=0.7, test_accuracy=0.6, gate_samples=100)
    unknown = point.model_copy(update={"registry_version": 9})
    state = script.add(Measured, data=B, versions=(point, unknown))
    assert (state.versions[1].gate_accuracy, state.versions[1].data) == (0.7, B)
    assert set(state.versions) == {1}
    assert state.to_project == state.seq
