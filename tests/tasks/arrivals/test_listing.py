"""Notices and full listings: a hint saves requests, and none is ever the truth."""

from datetime import timedelta

import pytest

from tasks.arrivals.listing import ListingRule
from tasks.contracts import keys

NOW = timedelta(0)
MANY = ListingRule(up_to=0, every=timedelta(minutes=10))  # as if there were more than are listed each time


def requests(bucket, rule: ListingRule) -> list[str]:
    """Look once, and say what was asked of the bucket."""
    asked: list[str] = []
    events = bucket.store._client.meta.events
    events.register("before-call.s3", lambda model, **_: asked.append(model.name), unique_id="count")
    try:
        bucket.look(rule=rule)
    finally:
        events.unregister("before-call.s3", unique_id="count")
    return asked


def publish_with_notice(bucket, label: str, *, at=None) -> str:
    arrival = bucket.publish(label, blob=label.encode())
    bucket.store.put(keys.notice_key(at or bucket.store.clock, arrival), b"")
    return arrival


def test_many_manifests_are_noticed_by_their_notices(bucket):
    bucket.publish("2014")
    bucket.watch(rule=MANY)
    quiet = requests(bucket, MANY)
    new = publish_with_notice(bucket, "2015")
    assert new in [arrival.id for arrival in bucket.watch(rule=MANY).ready]
    assert quiet.count("ListObjectsV2") == 2  # the journal's tail, the notices


def test_a_source_without_a_notice_is_found_by_the_next_full_listing(bucket):
    bucket.publish("2014")
    bucket.watch(rule=MANY)
    quiet = bucket.publish("2015", blob=b"quiet")
    assert quiet not in [arrival.id for arrival in bucket.watch(rule=MANY).ready]
    soon = ListingRule(up_to=0, every=NOW)
    assert quiet in [arrival.id for arrival in bucket.watch(rule=soon).ready]


@pytest.mark.parametrize("skew", [timedelta(minutes=-61), timedelta(minutes=59)])
def test_a_notice_of_a_publisher_whose_clock_is_wrong_counts(bucket, skew: timedelta):
    bucket.publish("2014")
    bucket.watch(rule=MANY)
    new = publish_with_notice(bucket, "2015", at=bucket.store.clock + skew)
    assert new in [arrival.id for arrival in bucket.watch(rule=MANY).ready]


def test_a_notice_without_a_time_counts(bucket):
    def untimed(parsed: dict, **_: object) -> None:
        for item in parsed.get("Contents", []):
            del item["LastModified"]

    bucket.store._client.meta.events.register("after-call.s3.ListObjectsV2", untimed)
    bucket.publish("2014")
    bucket.watch(rule=MANY)
    new = publish_with_notice(bucket, "2015")
    assert new in [arrival.id for arrival in bucket.watch(rule=MANY).ready]


def test_notices_that_lead_nowhere_cost_no_listing_for_ever(bucket):
    bucket.publish("2014")
    for name in ("junk", "0" * 64, "", "a/b"):
        bucket.store.put(f"{keys.notice_hour(bucket.store.clock)}{name}", b"")
    bucket.store.put("notices/zzz/junk", b"")
    bucket.watch(rule=MANY)
    a_minute_later = ListingRule(up_to=0, skew=timedelta(minutes=-1))
    assert requests(bucket, a_minute_later).count("ListObjectsV2") == 2


def test_few_manifests_are_listed_each_time_whatever_the_notices_say(bucket):
    bucket.publish("2014")
    bucket.watch()
    new = bucket.publish("2015", blob=b"no notice")
    assert new in [arrival.id for arrival in bucket.watch().ready]
