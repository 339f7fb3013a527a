"""The journal: dense, nothing lost, every loser told, however many write at once."""

import multiprocessing
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from tasks.bucket.store import Store
from tasks.contracts import keys
from tasks.contracts.journal import Paused, Resumed
from tasks.contracts.state import State
from tasks.errors import InvalidDocument, JournalMoved, StoreRefused
from tasks.journal.log import CACHE_EVERY, LONGEST_WAIT_S, Journal, Stamp


def pause(state: State, stamp: Stamp) -> Paused:
    return Paused(**stamp._asdict(), reason=stamp.by)


def writer(store, by: str = "test") -> Journal:
    return Journal(store, "t", by=by)


def test_an_empty_journal_is_the_empty_state(store):
    assert writer(store).state() == State()


def test_what_one_writer_appends_another_reads(store):
    assert writer(store, "one").transact(pause).seq == 1
    other = writer(store, "other")
    assert other.state().paused
    (entry,) = other.entries()
    assert (entry.seq, entry.by, entry.kind) == (1, "one", "paused")
    assert other.entry(1) == entry


def test_an_appender_with_an_old_view_is_told_and_writes_nothing(store):
    slow, fast = writer(store, "slow"), writer(store, "fast")
    state = slow.state()
    fast.transact(pause)
    with pytest.raises(JournalMoved, match=r"000000000001\.json: another writer appended it first"):
        slow.append(Paused(seq=state.seq + 1, at=store.clock, by="slow", reason="x"))
    assert [entry.by for entry in slow.entries()] == ["fast"]


def test_a_proposal_is_thought_through_again_at_the_tip(store):
    slow = writer(store, "slow")
    slow.state()
    writer(store, "fast").transact(pause)
    seen: list[int] = []

    def think(state: State, stamp: Stamp) -> Resumed | None:
        seen.append(state.seq)
        return Resumed(**stamp._asdict(), reason="x") if state.paused or state.seq == 0 else None

    assert slow.propose(think).seq == 2
    assert seen == [0, 1]


def test_a_proposal_of_nothing_is_asked_at_the_tip_before_it_counts(store):
    slow = writer(store, "slow")
    slow.state()
    writer(store, "fast").transact(pause)
    state = slow.propose(lambda s, stamp: Resumed(**stamp._asdict(), reason="x") if s.paused else None)
    assert (state.seq, state.paused) == (2, False)


def test_whoever_has_nothing_to_say_appends_nothing(store):
    assert writer(store).transact(lambda state, stamp: None).seq == 0
    assert list(writer(store).entries()) == []


def test_credentials_in_words_never_get_into_an_entry(store):
    store_says = "http://team:hidden@mlflow did not answer"
    writer(store, "grasp http://a:hidden@b").transact(
        lambda s, stamp: Paused(**stamp._asdict(), reason=store_says)
    )
    assert b"hidden" not in store.get(keys.entry_key("t", 1)).body
    assert writer(store).entry(1).reason == "http://***@mlflow did not answer"


def test_a_missing_entry_stops_the_journal_with_its_number(store):
    journal = writer(store)
    for _ in range(3):
        journal.transact(pause)
    store.delete(keys.entry_key("t", 2))
    with pytest.raises(InvalidDocument, match="entry 3 follows entry 1, needs 2"):
        writer(store).state()


@pytest.mark.parametrize(
    "body", [b"", b"{}", b'{"kind": "unheard-of"}', b"[]", b'{"kind":"paused","seq":7,"reason":"x"}']
)
def test_a_damaged_entry_is_named(store, body: bytes):
    store.put(keys.entry_key("t", 1), body)
    with pytest.raises(InvalidDocument, match=r"000000000001\.json.*cannot be read on"):
        writer(store).state()


def test_an_entry_under_another_number_is_refused(store):
    journal = writer(store)
    journal.transact(pause)
    store.put(keys.entry_key("t", 2), store.get(keys.entry_key("t", 1)).body)
    with pytest.raises(InvalidDocument, match=r"000000000002\.json: says seq 1"):
        writer(store).state()


def test_other_keys_beside_the_entries_are_left_alone(store):
    writer(store).transact(pause)
    for name in ("1.json", "000000000002.json.bak", "0000000000002.json", "projected.json", "x"):
        store.put(f"{keys.journal_prefix('t')}{name}", b"junk")
    assert writer(store).state().seq == 1


def test_an_entry_is_dated_by_the_stores_clock(store, monkeypatch: pytest.MonkeyPatch):
    before = store.clock
    journal = writer(store)
    journal.transact(pause)
    (entry,) = journal.entries()
    assert before <= entry.at <= store.clock


@pytest.mark.slow
def test_sixteen_threads_append_densely_and_each_entry_is_someones(store):
    barrier = threading.Barrier(16)

    def write(number: int) -> None:
        journal = writer(store, f"writer-{number}")
        barrier.wait()
        for _ in range(3):
            journal.transact(pause)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(write, range(16)))
    entries = list(writer(store).entries())
    assert [entry.seq for entry in entries] == list(range(1, 49))
    by = [entry.by for entry in entries]
    assert all(by.count(f"writer-{number}") == 3 for number in range(16))


def test_a_loser_waits_longer_each_time_and_not_as_long_as_the_others(store, monkeypatch: pytest.MonkeyPatch):
    """Sixteen that lost one race would else meet again at once, and again."""
    waits: list[tuple[float, float]] = []
    monkeypatch.setattr(random, "uniform", lambda least, most: waits.append((least, most)) or 0.0)
    slow, left = writer(store, "slow"), iter(range(7))

    def overtaken(state: State, stamp: Stamp) -> Paused:
        if next(left, None) is not None:
            writer(store, "fast").propose(pause)
        return pause(state, stamp)

    slow.transact(overtaken)

    longest = [most for _, most in waits]
    assert len(waits) == 7
    assert longest == sorted(longest)
    assert longest[0] < longest[-1] == LONGEST_WAIT_S
    assert {least for least, _ in waits} == {0}


def _transact(server, bucket: str, number: int, barrier) -> None:
    journal = Journal(server.store(bucket), "t", by=f"process-{number}")
    barrier.wait()
    journal.transact(pause)


@pytest.mark.integration
def test_of_sixteen_processes_that_transact_at_once_every_one_gets_its_entry(server):
    store = server.store()
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(16)
    racing = [
        context.Process(target=_transact, args=(server, store.bucket, number, barrier))
        for number in range(16)
    ]
    for process in racing:
        process.start()
    for process in racing:
        process.join()
    assert [process.exitcode for process in racing] == [0] * 16
    entries = list(writer(store).entries())
    assert [entry.seq for entry in entries] == list(range(1, 17))
    assert {entry.by for entry in entries} == {f"process-{number}" for number in range(16)}


APPENDS = 6


def _append(server, bucket: str, number: int, barrier, told) -> None:
    """One process of the race: appends at the tip it read, counts how often it was told that it lost."""
    journal = Journal(server.store(bucket), "t", by=f"process-{number}")
    barrier.wait()
    lost = done = 0
    while done < APPENDS:
        state = journal.state()
        try:
            journal.append(
                Paused(seq=state.seq + 1, at=datetime.now(UTC), by=f"process-{number}", reason=f"{done}")
            )
            done += 1
        except JournalMoved:
            lost += 1
    told.put((number, done, lost))


@pytest.mark.integration
def test_sixteen_processes_append_densely_nothing_is_lost_and_every_loser_is_told(server):
    store = server.store()
    context = multiprocessing.get_context("fork")
    barrier, told = context.Barrier(16), context.Queue()
    processes = [
        context.Process(target=_append, args=(server, store.bucket, number, barrier, told))
        for number in range(16)
    ]
    for process in processes:
        process.start()
    counted = [told.get(timeout=300) for _ in processes]
    for process in processes:
        process.join()
    entries = list(writer(store).entries())
    assert [entry.seq for entry in entries] == list(range(1, 16 * APPENDS + 1))
    assert sorted((entry.by, entry.reason) for entry in entries) == sorted(
        (f"process-{number}", str(n)) for number in range(16) for n in range(APPENDS)
    )
    assert all(done == APPENDS for _, done, _ in counted)
    assert sum(lost for _, _, lost in counted) > 0


def test_reading_the_tip_tells_what_lies_beside_the_entries(store):
    journal = writer(store)
    journal.transact(pause)
    store.put(keys.projected_key("t"), b"{}")
    reader = writer(store)
    reader.state()
    assert reader.beside["projected.json"] == store.get(keys.projected_key("t")).etag


class ReadOnly(Store):
    """A store of somebody who may only read."""

    def put(self, key: str, body: bytes) -> None:
        raise StoreRefused(f"{key}: 403")


def test_whoever_may_only_read_reads_a_long_journal(store):
    journal = writer(store)
    for _ in range(CACHE_EVERY - 1):
        journal.propose(pause)
    writer(store).transact(pause)
    store.delete(keys.state_key("t"))
    store.__class__ = ReadOnly
    assert writer(store).state().seq == CACHE_EVERY
