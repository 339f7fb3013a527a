"""A replay of late arrivals: what it builds, and what is said of them when it did not take over."""

import json
from datetime import date

import pytest

from tasks.arrivals.arrival import Arrival
from tasks.arrivals.unit import digests_of, source_of
from tasks.candidates.gate import Verdict
from tasks.contracts.journal import Decided, Reason
from tasks.contracts.manifest import Manifest
from tasks.contracts.state import State
from tasks.journal.log import Stamp
from tasks.lineages.course import settled
from tasks.lineages.rebuild import Rebuild
from tasks.lineages.replay import decline, replay_of
from tests.tasks.conftest import Bucket
from tests.tasks.journal.script import Script
from tests.tasks.lineages.test_rebuild import absorb, history

BUCKET = Bucket(None)  # nothing is stored
SWITCHED = Verdict(decision="rejected", code="worse_than_champion", found="70 %", needed="80 %")
PARKED = Verdict(decision="parked", code="manual", found="70 %", needed="a person's word")


def arrival(year: int, mark: str) -> Arrival:
    manifest = BUCKET.manifest(str(year))
    return Arrival(id=mark * 64, manifest=Manifest.model_validate_json(json.dumps(manifest)), attempts=0)


class Thinker:
    """A journal that only asks what is to be appended, and keeps it."""

    def __init__(self, state: State, stamp: dict) -> None:
        self.state, self.stamp, self.appended = state, Stamp(**stamp), None

    def transact(self, think) -> State:
        self.appended = think(self.state, self.stamp)
        return self.state


@pytest.fixture
def script(stamp) -> Script:
    return Script(stamp)


@pytest.fixture
def late(script: Script, stamp) -> Thinker:
    """A journal in whose lineage `redo` one late arrival, ffff…, is open."""
    state = script.accept("f" * 64)
    return Thinker(state.model_copy(update={"lineage": "redo"}), stamp(7))


def test_all_is_absorbed_again_from_the_earliest_late_period_on(script: Script):
    for year in (2001, 2002, 2003):
        absorb(script, year)
    found = history(script)
    batch = [arrival(2003, "0"), arrival(2002, "1"), arrival(2004, "2")]
    wanted = Rebuild(
        target="digits-now",
        kind="replay",
        label="2002",
        origin="main",
        start=1,
        since=(date(2002, 1, 1), date(2002, 12, 31)),
        until=None,
        without=frozenset(),
        settings=BUCKET.target.absorb,
        data=digests_of(BUCKET.target).data,
    )
    assert replay_of(BUCKET.target, found, batch) == settled(found, wanted)


@pytest.mark.parametrize(
    ("verdict", "decision", "code", "found", "needed", "following"),
    [
        (SWITCHED, "rejected", "worse_than_champion", "70 %", "80 %", "the champion stays"),
        (PARKED, "parked", "manual", "70 %", "a person's word", "waits for a person: grasp promote"),
        (
            *(None, "rejected", "no_gain"),
            *("its replay ended with the champion that was there", "another model", "the champion stays"),
        ),
    ],
)
def test_a_late_arrival_whose_replay_did_not_take_over_is_decided_with_the_reason(
    late: Thinker, stamp, verdict, decision, code, found, needed, following
):
    one = arrival(2002, "f")
    decline(late, one, verdict, lineage="replay-2002-x")
    assert late.appended == Decided(
        **stamp(7),
        arrival_id=one.id,
        decision=decision,
        reason_code=code,
        reason=Reason(
            object="manifests/digits/2002/1.json, replayed as lineage replay-2002-x",
            found=found,
            needed=needed,
            next=following,
        ),
        source=source_of(one.manifest),
        lineage="redo",
    )


def test_a_late_arrival_that_was_decided_meanwhile_is_left_alone(late: Thinker):
    decline(late, arrival(2002, "e"), SWITCHED, lineage="replay-2002-x")
    assert late.appended is None
