"""A reason is what a person can read in a journal: one line, neither empty nor a novel."""

import pytest

from tasks.arrivals.requeue import requeue
from tasks.contracts.journal import Requeued
from tasks.errors import OperationRefused
from tasks.reason import MAX_REASON, checked_reason


@pytest.mark.parametrize("reason", ["fixed", "größer, 画像", "x" * MAX_REASON, f"  {'x' * MAX_REASON} \n"])
def test_a_line_is_kept_without_the_space_around_it(reason: str):
    assert checked_reason(reason) == reason.strip()


@pytest.mark.parametrize("reason", ["", " \t", "x" * (MAX_REASON + 1), "a\x1bb", "a\nb", "a\u202eb"])
def test_nothing_else_is(reason: str):
    with pytest.raises(OperationRefused, match="--reason") as caught:
        checked_reason(reason)
    assert str(caught.value).isprintable()


def test_a_requeue_without_a_reason_changes_nothing(bucket):
    arrival = bucket.put_manifest("manifests/digits/2014/1.json", b"junk")
    bucket.watch()
    before = bucket.journal.state().seq
    with pytest.raises(OperationRefused, match="has 0 characters"):
        requeue(bucket.journal, arrival, reason=" ")
    assert bucket.journal.state().seq == before
    requeue(bucket.journal, arrival, reason=" looked at it ")
    (*_, entry) = bucket.journal.entries()
    assert isinstance(entry, Requeued)
    assert entry.reason == "looked at it"


def test_a_reason_keeps_no_credentials():
    assert checked_reason("see http://team:pw@wiki/page") == "see http://***@wiki/page"
