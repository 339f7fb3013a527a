"""Nothing missed, nothing decided twice: many writers, watchers and absorbs at once, clocks that differ.

These fork, so they need a process without threads: test_simulations.py runs them in one of their own.
"""

import hashlib
import json
import multiprocessing
import os
import random
import time
from collections import Counter
from contextlib import suppress
from datetime import timedelta

import pytest

from tasks.arrivals.arrival import Arrival
from tasks.arrivals.examine import examine_one
from tasks.arrivals.listing import ListingRule
from tasks.arrivals.triage import triage
from tasks.contracts import keys
from tasks.contracts.journal import Accepted, Attempted, Decided, Reason
from tasks.errors import JournalMoved, TransientError
from tasks.journal.log import Journal
from tests.tasks.conftest import Bucket

WRITERS = 12
DAY = timedelta(days=1)
ARRIVALS = int(os.environ.get("ARRIVALS", "240"))
EVERY = timedelta(seconds=max(15, ARRIVALS // 100))  # a full listing of 10,000 keys takes moto seconds
RULE = ListingRule(up_to=50, every=EVERY, skew=timedelta(seconds=60))
BLOBS = [f"weights {n}".encode() for n in range(8)]
REASON = Reason(object="o", found="f", needed="n", next="x")


def write(server, bucket: str, writer: int, arrivals: int) -> None:
    """One publisher: its clock is up to a minute off, every third leaves no notice, some uploads are slow."""
    chance = random.Random(writer)
    box = Bucket(server.store(bucket))
    skew = timedelta(seconds=chance.uniform(-60, 60))
    slow: list[bytes] = []
    for number in range(arrivals):
        year = 1000 + chance.randrange(1000)  # periods come in no order
        label = f"{year}-{writer}-{number}"
        late = chance.random() < 0.05
        blob = f"slow {label}".encode() if late else chance.choice(BLOBS)
        manifest = box.manifest(label, blob=blob)
        key = keys.manifest_key("digits", label, 1)
        box.store.create(key, json.dumps(manifest).encode())
        if writer % 3:
            box.store.put(keys.notice_key(box.store.clock + skew, keys.arrival_id(key)), b"")
        if late:
            slow.append(blob)
        if len(slow) > 5 or number == arrivals - 1:
            for each in slow:
                box.store.put(keys.blob_key(hashlib.sha256(each).hexdigest()), each)
            slow = []


def watch(server, bucket: str, number: int, stop) -> None:
    """A watch that starts afresh every time, as its process does."""
    store = server.store(bucket)
    target = Bucket(store).target
    while not stop.is_set():
        journal = Journal(store, target.name, by=f"watch-{number}")
        with suppress(TransientError):  # the schedule starts the next one
            triage(store, target, journal, pending_limit=DAY, rule=RULE, enough=1)
        time.sleep(0.2)


def absorb(server, bucket: str, number: int, stop, tally) -> None:
    """An absorb run that decides whatever is ready, and is told when another one was faster."""
    store = server.store(bucket)
    target, done, lost = Bucket(store).target, 0, 0
    while not stop.is_set():
        journal = Journal(store, target.name, by=f"absorb-{number}")
        ready: tuple[Arrival, ...] = ()
        with suppress(TransientError):
            ready = triage(store, target, journal, pending_limit=DAY, rule=RULE, enough=200).ready
        for arrival in random.sample(ready, len(ready)):
            won = _attempt_and_decide(journal, arrival.id)
            done, lost = done + won, lost + (not won)
        time.sleep(0.2)
    tally.put((done, lost))


def _attempt_and_decide(journal: Journal, arrival: str) -> bool:
    state = journal.last
    if arrival not in state.open:
        return False

    def decide(state, stamp):
        if arrival not in state.open:
            raise JournalMoved(f"{arrival} was decided by another")
        fields = {"arrival_id": arrival, "decision": "rejected", "reason_code": "no_gain", "reason": REASON}
        return Decided(**stamp._asdict() | fields)

    try:
        journal.propose(lambda s, stamp: Attempted(**stamp._asdict(), arrival_id=arrival, n=1, flow_run="f"))
        journal.propose(decide)
    except JournalMoved:
        return False
    return True


def simulate(server, arrivals: int, *, watchers: int, absorbers: int) -> None:
    """Run everybody until all that was published is decided, then read the journal from its start."""
    context = multiprocessing.get_context("fork")
    bucket = Bucket(server.store())
    name = bucket.store.bucket
    for blob in BLOBS:
        bucket.store.put(keys.blob_key(hashlib.sha256(blob).hexdigest()), blob)
    stop, tally = context.Event(), context.Queue()
    share = -(-arrivals // WRITERS)
    writers = [context.Process(target=write, args=(server, name, n, share)) for n in range(WRITERS)]
    others = [context.Process(target=watch, args=(server, name, n, stop)) for n in range(watchers)]
    others += [context.Process(target=absorb, args=(server, name, n, stop, tally)) for n in range(absorbers)]
    for process in [*writers, *others]:
        process.start()
    for process in writers:
        process.join()
        assert process.exitcode == 0
    published = {keys.arrival_id(item.key) for item in bucket.store.list(keys.MANIFESTS)}
    assert len(published) == share * WRITERS
    reader = Journal(bucket.store, bucket.target.name, by="test")
    deadline = time.monotonic() + 600 + arrivals
    while len(reader.state().closed) < len(published) and time.monotonic() < deadline:
        assert all(process.is_alive() for process in others)
        time.sleep(1)
    left = published - set(reader.state().closed)
    stop.set()
    counts = [tally.get(timeout=120) for _ in range(absorbers)]
    for process in others:
        process.join()
    assert not left, f"undecided in time: {waiting(bucket, left)}"
    check(bucket, published, counts)


def waiting(bucket: Bucket, left: set[str]) -> dict[str, str]:
    """Say of some undecided arrivals why they wait."""
    journal = bucket.journal
    state = journal.state()
    return {
        arrival: str(examine_one(bucket.store, bucket.target, journal, arrival, pending_limit=DAY))
        if arrival in state.open
        else "not accepted"
        for arrival in sorted(left)[:5]
    }


def check(bucket: Bucket, published: set[str], counts: list[tuple[int, int]]) -> None:
    accepted: Counter[str] = Counter()
    decided: Counter[str] = Counter()
    for seq, entry in enumerate(bucket.journal.entries(), start=1):
        assert entry.seq == seq
        if isinstance(entry, Accepted):
            accepted[entry.arrival_id] += 1
        elif isinstance(entry, Decided):
            decided[entry.arrival_id] += 1
    assert published - decided.keys() == set(), "missed"
    assert [arrival for arrival, count in decided.items() if count > 1] == [], "decided twice"
    assert [arrival for arrival, count in accepted.items() if count > 1] == [], "accepted twice"
    assert decided.keys() == accepted.keys() == published
    assert sum(done for done, _ in counts) == len(published)


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_many_arrivals_of_twelve_writers_are_each_decided_once(moto):
    """240 by default; `make simulate-arrivals` runs 10,000, which takes many minutes."""
    simulate(moto, ARRIVALS, watchers=1, absorbers=1)


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_watchers_and_absorbs_that_race_decide_each_arrival_once(server):
    simulate(server, 96, watchers=3, absorbers=3)
