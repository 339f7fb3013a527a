"""Arrivals through the real triage on a real bucket: one test for each rule of the contract."""

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest

from tasks.contracts.journal import Accepted, Decided, Withdrawn

NOW = timedelta(0)


def test_a_published_source_is_ready_and_its_manifest_is_in_the_journal(bucket):
    arrival = bucket.publish("2014")
    (ready,) = bucket.watch().ready
    assert (ready.id, ready.manifest.period.label, ready.attempts) == (arrival, "2014", 0)
    (entry,) = bucket.entries()
    assert isinstance(entry, Accepted)
    stored = bucket.store.get(entry.key)
    assert (entry.manifest.encode(), entry.etag) == (stored.body, stored.etag)


def test_looking_again_changes_nothing(bucket):
    bucket.publish("2014")
    bucket.publish("2015", blob=b"other")
    first = bucket.watch()
    entries = bucket.entries()
    assert bucket.watch() == first
    assert bucket.entries() == entries


def test_ready_sources_come_in_period_order_whenever_they_were_published(bucket):
    for label, blob in (("2016", b"c"), ("2014", b"a"), ("2015", b"b")):
        bucket.publish(label, blob=blob)
        bucket.watch()
    assert [arrival.manifest.period.label for arrival in bucket.watch().ready] == ["2014", "2015", "2016"]


def test_order_is_start_then_end_then_series_then_rev(new_bucket):
    bucket = new_bucket(series=("beta", "alpha"))

    def put(series: str, label: str, start: str, end: str, rev: int = 1) -> str:
        period = {"label": label, "start": start, "end": end}
        return bucket.publish(label, rev, blob=f"{series}{label}{rev}".encode(), series=series, period=period)

    expected = [
        put("alpha", "half", "2014-01-01", "2014-06-30"),
        put("alpha", "year", "2014-01-01", "2014-12-31", rev=1),
        put("alpha", "year", "2014-01-01", "2014-12-31", rev=2),
        put("beta", "year", "2014-01-01", "2014-12-31"),
        put("alpha", "a-later", "2014-02-01", "2014-02-28"),
    ]
    assert [arrival.id for arrival in bucket.watch().ready] == expected


def test_overlapping_and_equal_periods_are_sources_like_others(bucket):
    bucket.publish("2014", blob=b"a")
    bucket.publish("2014-h1", blob=b"b")
    assert len(bucket.watch().ready) == 2


def test_the_journals_copy_counts_and_an_overwritten_manifest_only_alerts(bucket, caplog):
    arrival = bucket.publish("2014")
    bucket.watch()
    other = bucket.manifest("2014", publisher="mallory")
    bucket.put_manifest("manifests/digits/2014/1.json", other)
    with caplog.at_level(logging.WARNING):
        (ready,) = bucket.watch().ready
    assert ready.manifest.publisher is None
    assert "manifests/digits/2014/1.json was overwritten" in caplog.text
    bucket.absorb(arrival)
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        assert bucket.watch().ready == ()
    assert "was overwritten" in caplog.text
    assert len(bucket.entries()) == 2


@pytest.mark.parametrize("operation", ["GetObject", "ListObjectsV2"])
def test_an_etag_in_other_letters_is_no_overwritten_manifest(bucket, caplog, operation: str):
    def shout(parsed: dict, **_: object) -> None:
        for item in [parsed, *parsed.get("Contents", [])]:
            item["ETag"] = item.get("ETag", "").upper()

    bucket.store._client.meta.events.register(f"after-call.s3.{operation}", shout)
    arrival = bucket.publish("2014")
    for _ in range(2):
        assert [ready.id for ready in bucket.watch().ready] == [arrival]
    assert "overwritten" not in caplog.text


def test_an_etag_that_only_a_read_has_otherwise_is_no_overwritten_manifest(bucket, caplog):
    def encoded(parsed: dict, **_: object) -> None:
        parsed["ETag"] = parsed.get("ETag", "").strip('"') + "-gzip"

    bucket.store._client.meta.events.register("after-call.s3.GetObject", encoded)
    bucket.publish("2014")
    for _ in range(2):
        bucket.watch()
    assert "overwritten" not in caplog.text


def test_a_manifest_that_is_not_as_long_as_listed_is_decided_when_it_is(bucket, caplog):
    def long(parsed: dict, **_: object) -> None:
        for item in parsed.get("Contents", []):
            item["Size"] += 1

    events = bucket.store._client.meta.events
    events.register("after-call.s3.ListObjectsV2", long, unique_id="long")
    arrival = bucket.publish("2014")
    assert (bucket.watch().ready, bucket.entries()) == ((), [])
    assert "listed bytes were read; looked at again" in caplog.text
    events.unregister("after-call.s3.ListObjectsV2", unique_id="long")
    assert [ready.id for ready in bucket.watch().ready] == [arrival]


def test_a_manifest_deleted_before_its_decision_is_withdrawn(bucket):
    arrival = bucket.publish("2014")
    bucket.watch()
    bucket.store.delete("manifests/digits/2014/1.json")
    assert bucket.watch().ready == ()
    entry = bucket.entries()[-1]
    assert isinstance(entry, Withdrawn)
    assert entry.arrival_id == arrival
    bucket.watch()
    assert len(bucket.entries()) == 2  # recorded once


def test_a_manifest_deleted_after_its_decision_is_recorded_and_rebuilds_nothing(bucket):
    arrival = bucket.publish("2014")
    bucket.absorb(arrival)
    bucket.store.delete("manifests/digits/2014/1.json")
    assert bucket.watch().ready == ()
    state = bucket.check_journal()
    assert (state.champion, state.withdrawn.keys(), len(state.closed)) == (1, {arrival}, 1)


def test_a_withdrawn_manifest_that_comes_back_is_an_arrival_again_unless_it_was_decided(bucket):
    open_one, decided = bucket.publish("2014"), bucket.publish("2015", blob=b"other")
    bucket.absorb(decided)
    for label in ("2014", "2015"):
        bucket.store.delete(f"manifests/digits/{label}/1.json")
    bucket.watch()
    bucket.publish("2014")
    bucket.publish("2015", blob=b"other")
    assert [arrival.id for arrival in bucket.watch().ready] == [open_one]


def test_the_same_weights_under_another_rev_are_a_duplicate(bucket):
    bucket.absorb(bucket.publish("2014"))
    again = bucket.publish("2014", rev=2)
    assert bucket.watch().ready == ()
    decided = bucket.decided(again)
    assert (decided.decision, decided.reason_code) == ("duplicate", "same_weights")
    assert "entry 2" in decided.reason.found


def test_the_same_weights_in_another_period_or_series_are_no_duplicate(new_bucket):
    bucket = new_bucket(series=("digits", "other"))
    bucket.absorb(bucket.publish("2014"))
    bucket.publish("2015")
    bucket.publish("2014", series="other")
    assert len(bucket.watch().ready) == 2


def test_other_weights_under_a_new_rev_are_a_correction(bucket):
    bucket.absorb(bucket.publish("2014"))
    correction = bucket.publish("2014", rev=2, blob=b"corrected")
    assert [arrival.id for arrival in bucket.watch().ready] == [correction]


def test_weights_that_were_quarantined_may_come_again_under_a_new_rev(bucket):
    manifest = bucket.manifest("2014")
    bad = bucket.put_manifest("manifests/digits/2014/1.json", manifest)
    assert bucket.watch(limit=NOW).refused == 1
    assert bucket.decided(bad).reason_code == "blob_missing"
    assert [arrival.id for arrival in bucket.watch().ready] == []
    repaired = bucket.publish("2014", rev=2)
    assert [arrival.id for arrival in bucket.watch().ready] == [repaired]


def test_a_window_leaves_out_what_lies_outside(new_bucket):
    bucket = new_bucket(**{"from": date(2014, 6, 1), "until": date(2016, 12, 31)})
    bucket.publish("2014", blob=b"a")
    inside = bucket.publish("2015", blob=b"b")
    bucket.publish("2017", blob=b"c")
    found = bucket.watch()
    assert [arrival.id for arrival in found.ready] == [inside]
    assert [(delayed.key, delayed.until) for delayed in found.delayed] == [
        ("manifests/digits/2014/1.json", None),
        ("manifests/digits/2017/1.json", None),
    ]
    assert "window 2014-06-01..2016-12-31" in found.delayed[0].why


def test_other_series_and_strays_are_not_this_targets(bucket):
    bucket.publish("2014", series="other")
    for key in (
        "manifests/digits/2014/01.json",
        "manifests/digits/2014/x.json",
        "manifests/digits/README",
        "manifests/digits/2014/deep/1.json",
        "manifests/digits-2/2014/1.json",
        "elsewhere/digits/2014/1.json",
    ):
        bucket.store.put(key, b"junk")
    found = bucket.watch()
    assert (found.ready, found.delayed, found.refused) == ((), (), 0)
    assert bucket.entries() == []


def test_watchers_that_race_accept_and_refuse_each_arrival_once(bucket, moto):
    arrivals = [bucket.publish(str(year), blob=str(year).encode()) for year in range(2000, 2010)]
    bad = bucket.put_manifest("manifests/digits/1999/1.json", b"junk")

    def watch(number: int):
        return type(bucket)(moto.store(bucket.store.bucket)).watch()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(watch, range(6)))
    assert [ready.id for ready in bucket.watch().ready] == arrivals
    accepted = [entry.arrival_id for entry in bucket.entries() if isinstance(entry, Accepted)]
    assert sorted(accepted) == sorted([*arrivals, bad])
    assert [entry.arrival_id for entry in bucket.entries() if isinstance(entry, Decided)] == [bad]
