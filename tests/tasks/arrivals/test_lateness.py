"""Lateness: a source of a period before the greatest that the current lineage has absorbed."""

import json
from datetime import UTC, date, datetime

import pytest

from tasks.arrivals.arrival import Arrival
from tasks.arrivals.lateness import check_late, is_late
from tasks.contracts.manifest import Manifest
from tasks.contracts.state import Lineage, Open, State
from tasks.errors import BadArrival
from tests.tasks.conftest import Bucket

BUCKET = Bucket(None)  # nothing is stored
NEWEST = (date(2016, 1, 1), date(2016, 12, 31))


def arrival(start: str, end: str) -> Arrival:
    period = {"label": "old", "start": start, "end": end}
    return Arrival(
        id="a" * 64,
        manifest=Manifest.model_validate_json(json.dumps(BUCKET.manifest("old", period=period))),
        attempts=0,
    )


EARLIER = arrival("2015-01-01", "2015-12-31")


def state(*, requeued: bool = False, newest=NEWEST, lineage: str = "main") -> State:
    opened = Open(accepted_seq=1, etag_mark=0, since=datetime(2026, 11, 21, tzinfo=UTC), requeued=requeued)
    return State(lineages={lineage: Lineage(newest=newest)}, open={EARLIER.id: opened})


@pytest.mark.parametrize(
    ("start", "end", "late"),
    [
        ("2015-01-01", "2017-12-31", True),  # the start counts first
        ("2016-01-01", "2016-06-30", True),
        ("2016-01-01", "2016-12-31", False),  # the same period again
        ("2016-01-01", "2017-12-31", False),
        ("2016-01-02", "2016-01-03", False),
    ],
)
def test_a_source_is_late_when_its_dates_lie_below_the_greatest_absorbed(start: str, end: str, late: bool):
    assert is_late(arrival(start, end), state()) is late


def test_nothing_is_late_before_anything_was_absorbed():
    assert not is_late(EARLIER, State())
    assert not is_late(EARLIER, state(newest=None))


def test_what_another_lineage_absorbed_makes_nothing_late():
    assert not is_late(EARLIER, state(lineage="redo"))


def test_what_a_person_requeued_is_never_late():
    assert not is_late(EARLIER, state(requeued=True))
    assert is_late(EARLIER, State(lineages={"main": Lineage(newest=NEWEST)}))  # not open: not requeued


def test_a_late_arrival_is_refused_where_late_ones_are_parked_and_the_reason_says_all():
    parking = BUCKET.target.model_copy(update={"late": "park"})
    with pytest.raises(BadArrival) as caught:
        check_late(EARLIER, state(), parking)
    error = caught.value
    assert error.code == "late"
    assert error.object == "manifests/digits/old/1.json"
    assert error.found == "period 2015-01-01..2015-12-31, before 2016-01-01..2016-12-31, absorbed already"
    assert error.needed == "a later period"
    assert error.next == "parked; take it in with grasp backfill --from old, or requeue it to append it"


@pytest.mark.parametrize("late", ["append", "replay"])
def test_a_late_arrival_is_taken_where_late_ones_are_not_parked(late: str):
    check_late(EARLIER, state(), BUCKET.target.model_copy(update={"late": late}))


def test_an_arrival_in_order_is_taken_where_late_ones_are_parked():
    check_late(
        arrival("2017-01-01", "2017-12-31"), state(), BUCKET.target.model_copy(update={"late": "park"})
    )
