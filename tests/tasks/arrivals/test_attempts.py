"""Attempts: written before they begin, waits between them, then parked; others go on meanwhile."""

import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from tasks.absorbing.decide import break_off, claim, take_back
from tasks.arrivals.arrival import MAX_ATTEMPTS
from tasks.arrivals.requeue import requeue
from tasks.contracts.journal import Attempted, Requeued
from tests.tasks.conftest import Bucket

ROOT = Path(__file__).parents[3]


@pytest.fixture
def arrival(bucket: Bucket):
    bucket.publish("2014")
    (ready,) = bucket.watch().ready
    return ready


def attempts(bucket: Bucket) -> list[int]:
    return [entry.n for entry in bucket.entries() if isinstance(entry, Attempted)]


def test_an_attempt_is_in_the_journal_before_it_begins(bucket: Bucket, arrival):
    assert claim(bucket.journal, bucket.target, arrival, flow_run="f")
    assert attempts(bucket) == [1]
    assert bucket.check_journal().open[arrival.id].attempts == 1


def test_an_attempt_that_broke_off_counts_and_says_why(bucket: Bucket, arrival):
    claim(bucket.journal, bucket.target, arrival, flow_run="f")
    break_off(bucket.journal, arrival, reason="RuntimeError: boom\n\x1b[31m")
    opened = bucket.check_journal().open[arrival.id]
    (entry,) = [entry for entry in bucket.entries() if isinstance(entry, Requeued)]
    assert (opened.attempts, opened.last_attempt_at) == (1, entry.at)
    assert entry.reason == "RuntimeError: boom\\n\\x1b[31m"
    assert bucket.watch().ready == ()
    assert bucket.watch().delayed[0].until == entry.at + timedelta(minutes=1)


def test_an_attempt_that_the_infrastructure_spoiled_does_not_count(bucket: Bucket, arrival):
    claim(bucket.journal, bucket.target, arrival, flow_run="f")
    take_back(bucket.journal, arrival, reason="MLflow was away")
    assert [(a.id, a.attempts) for a in bucket.watch().ready] == [(arrival.id, 0)]
    take_back(bucket.journal, arrival, reason="again")
    assert sum(isinstance(entry, Requeued) for entry in bucket.entries()) == 1


def test_after_the_last_attempt_it_is_parked_and_a_person_may_requeue_it(bucket: Bucket, arrival):
    for number in range(MAX_ATTEMPTS):
        assert claim(bucket.journal, bucket.target, arrival, flow_run=f"f-{number}")
    assert not claim(bucket.journal, bucket.target, arrival, flow_run="one too many")
    decided = bucket.decided(arrival.id)
    assert (decided.decision, decided.reason_code) == ("parked", "attempts_exhausted")
    assert "4 attempts" in decided.reason.found
    assert "requeue" in decided.reason.next
    assert attempts(bucket) == [1, 2, 3, 4]
    requeue(bucket.writer("operator"), arrival.id, reason="more memory now")
    assert [(a.id, a.attempts) for a in bucket.watch().ready] == [(arrival.id, 0)]


def test_of_two_that_claim_the_second_sees_the_first(bucket: Bucket, arrival):
    other = bucket.writer("other")
    other.state()
    claim(bucket.journal, bucket.target, arrival, flow_run="one")
    claim(other, bucket.target, arrival, flow_run="two")
    assert attempts(bucket) == [1, 2]


KILLED = """
import os, signal, sys
sys.path.insert(0, {root!r})
from tests.servers.fixtures import Server
from tests.tasks.conftest import Bucket
from datetime import timedelta
import tasks.arrivals.waiting
from tasks.absorbing.decide import claim
tasks.arrivals.waiting.WAITS = (timedelta(0),) * 3
server = Server("moto", {endpoint!r})
bucket = Bucket(server.store({bucket!r}))
ready = [arrival for arrival in bucket.look().ready if arrival.manifest.period.label == {label!r}]
if not ready or not claim(bucket.journal, bucket.target, ready[0], flow_run=str(os.getpid())):
    sys.exit(7)
os.kill(os.getpid(), signal.{signal})
"""


@pytest.mark.integration
@pytest.mark.parametrize("how", ["SIGKILL", "SIGBUS"])
def test_a_source_that_kills_its_process_is_parked_while_the_others_go_on(
    bucket: Bucket, moto, how: str, monkeypatch: pytest.MonkeyPatch
):
    """Out of memory or a map of a file that shrank: the process is gone, its attempt stays in the journal."""
    monkeypatch.setattr("tasks.arrivals.waiting.WAITS", (timedelta(0),) * 3)
    killer = bucket.publish("2014")
    code = KILLED.format(
        root=str(ROOT),
        endpoint=moto.endpoint_url,
        bucket=bucket.store.bucket,
        label="2014",
        signal=how,
    )
    for number in range(1, MAX_ATTEMPTS + 1):
        good = bucket.publish(f"{2014 + number}", blob=b"%d" % number)
        died = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=os.environ, check=False)
        assert died.returncode == -getattr(signal, how)
        bucket.absorb(good, version=number)  # the others go on
    assert bucket.decided(killer) is None
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=os.environ, check=False).returncode == 7
    assert bucket.decided(killer).reason_code == "attempts_exhausted"
    assert len(bucket.check_journal().closed) == MAX_ATTEMPTS + 1
