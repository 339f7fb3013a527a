"""Sources that wait: for their blob, for the next attempt, for each other."""

from datetime import timedelta

import pytest

from tasks.contracts.journal import Attempted, Requeued

NOW = timedelta(0)


@pytest.mark.parametrize("there", [None, b"", b"wei"])
def test_a_blob_that_is_absent_or_short_is_pending_and_holds_nothing_back(bucket, there: bytes | None):
    manifest = bucket.manifest("2014")
    if there is not None:
        bucket.store.put(manifest["weights"]["key"], there)
    pending = bucket.put_manifest("manifests/digits/2014/1.json", manifest)
    good = bucket.publish("2015", blob=b"good")
    found = bucket.watch()
    assert [arrival.id for arrival in found.ready] == [good]
    (delayed,) = found.delayed
    assert delayed.id == pending
    assert delayed.why.startswith("pending: blobs/sha256/")
    accepted = next(entry for entry in bucket.entries() if entry.arrival_id == pending)
    assert delayed.until == accepted.at + timedelta(hours=24)
    assert bucket.decided(pending) is None


def test_a_pending_blob_that_comes_is_ready(bucket):
    pending = bucket.put_manifest("manifests/digits/2014/1.json", bucket.manifest("2014"))
    assert bucket.watch().ready == ()
    bucket.publish("2014")
    assert [arrival.id for arrival in bucket.watch().ready] == [pending]


@pytest.mark.parametrize(("there", "code"), [(None, "blob_missing"), (b"wei", "blob_size")])
def test_after_the_limit_on_the_stores_clock_it_is_quarantined(bucket, there: bytes | None, code: str):
    manifest = bucket.manifest("2014")
    if there is not None:
        bucket.store.put(manifest["weights"]["key"], there)
    arrival = bucket.put_manifest("manifests/digits/2014/1.json", manifest)
    bucket.watch()
    bucket.watch(limit=NOW)
    decided = bucket.decided(arrival)
    assert (decided.decision, decided.reason_code) == ("quarantined", code)
    assert decided.reason.object == manifest["weights"]["key"]
    assert "7 bytes" in decided.reason.needed
    assert "rev" in decided.reason.next


def test_a_blob_that_is_longer_than_declared_is_quarantined_at_once(bucket):
    manifest = bucket.manifest("2014")
    bucket.store.put(manifest["weights"]["key"], b"weights and more")
    arrival = bucket.put_manifest("manifests/digits/2014/1.json", manifest)
    bucket.watch()
    assert bucket.decided(arrival).reason_code == "blob_size"


def test_a_requeued_arrival_gets_a_fresh_clock(bucket):
    arrival = bucket.put_manifest("manifests/digits/2014/1.json", bucket.manifest("2014"))
    bucket.watch(limit=NOW)
    bucket.journal.transact(
        lambda state, stamp: Requeued(**stamp._asdict(), arrival_id=arrival, reason="uploading")
    )
    assert [delayed.id for delayed in bucket.watch(limit=timedelta(minutes=1)).delayed] == [arrival]
    bucket.publish("2014")
    assert [ready.id for ready in bucket.watch().ready] == [arrival]


@pytest.mark.parametrize(
    ("attempts", "minutes"),
    [(1, 1), (2, 5), (3, 15)],
)
def test_an_attempt_without_outcome_waits(bucket, attempts: int, minutes: int):
    arrival = bucket.publish("2014")
    other = bucket.publish("2015", blob=b"other")
    bucket.watch()

    def attempt(ago: timedelta):
        return lambda state, stamp: Attempted(
            **stamp._asdict() | {"at": bucket.store.clock - ago},
            arrival_id=arrival,
            n=attempts,
            flow_run="f",
        )

    bucket.journal.transact(attempt(timedelta(minutes=minutes, seconds=-20)))
    found = bucket.watch()
    assert [ready.id for ready in found.ready] == [other]
    (delayed,) = found.delayed
    assert delayed.why == f"attempt {attempts} of 4 has given no decision (yet, if its run lives)"
    bucket.journal.transact(attempt(timedelta(minutes=minutes)))
    ready = bucket.watch().ready
    assert [(arrival_.id, arrival_.attempts) for arrival_ in ready] == [(arrival, attempts), (other, 0)]


def test_two_revs_with_the_same_weights_wait_for_each_other(bucket):
    first, second = bucket.publish("2014"), bucket.publish("2014", rev=2)
    found = bucket.watch()
    assert [arrival.id for arrival in found.ready] == [first]
    assert [(delayed.id, delayed.why) for delayed in found.delayed] == [
        (second, "has the same weights as manifests/digits/2014/1.json, which goes first")
    ]
    bucket.absorb(first)
    bucket.watch()
    assert bucket.decided(second).decision == "duplicate"
