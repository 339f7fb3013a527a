"""The cache of the fold: believed when it is bound to what it was made from, else it only costs requests."""

import hashlib
import json
import re

import pytest

from tasks.contracts import keys
from tasks.contracts.journal import Paused, Resumed
from tasks.contracts.state import Listing, State
from tasks.journal import cache
from tasks.journal.log import CACHE_EVERY, Journal, Stamp


def pause(state: State, stamp: Stamp) -> Paused:
    return Paused(**stamp._asdict(), reason=stamp.by)


def writer(store, by: str = "test") -> Journal:
    return Journal(store, "t", by=by)


def test_an_entry_of_any_length_of_journal_is_read_through_the_cache(store):
    journal = writer(store)
    for _ in range(CACHE_EVERY + 3):
        journal.propose(pause)
    assert store.head(keys.state_key("t")) is not None
    assert writer(store).state() == journal.state()


def test_a_cache_that_is_absent_old_or_damaged_only_costs_requests(store):
    journal = writer(store)
    journal.transact(pause)
    journal.keep()
    journal.transact(lambda s, stamp: Resumed(**stamp._asdict(), reason="x"))
    expected = journal.state()
    assert writer(store).state() == expected  # one entry behind
    for body in (b"", b"{}", b"[1]", b"\xff", b'{"seq": 1, "closed": "!"}', b'{"schema_version": 2}'):
        store.put(keys.state_key("t"), body)
        assert writer(store).state() == expected
    store.delete(keys.state_key("t"))
    assert writer(store).state() == expected


def test_a_cache_of_a_journal_that_is_no_more_is_dropped(store):
    journal = writer(store)
    for _ in range(3):
        journal.transact(pause)
    journal.keep()
    for seq in (1, 2, 3):
        store.delete(keys.entry_key("t", seq))
    assert journal.state() == State()  # in the process that wrote it, too
    assert writer(store).state() == State()
    assert writer(store).transact(pause).seq == 1


def wrong(body: bytes) -> bytes:
    """Say that another version is champion, and change nothing else."""
    return body.replace(b'"champion":null', b'"champion":77')


def resealed(body: bytes) -> bytes:
    """Seal a changed file again, as a program would that writes such files."""
    plain = re.sub(rb'"seal":"[0-9a-f]{64}"', b'"seal":"' + b"0" * 64 + b'"', body)
    return plain.replace(b"0" * 64 + b'"}', hashlib.sha256(plain).hexdigest().encode() + b'"}')


@pytest.mark.parametrize(
    "change",
    [
        wrong,
        lambda body: body.replace(b'"layout":5', b'"layout":4'),
        lambda body: resealed(body.replace(b'"layout":5', b'"layout":6')),
        lambda body: resealed(re.sub(rb'"chain":"[0-9a-f]{64}"', b'"chain":"' + b"a" * 64 + b'"', body)),
        lambda body: re.sub(rb',"seal":"[0-9a-f]{64}"', b"", wrong(body)),
    ],
    ids=["content", "old-layout", "new-layout", "chain", "no-seal"],
)
def test_a_cache_with_a_right_seq_and_wrong_content_is_not_believed(store, change):
    journal = writer(store)
    for _ in range(3):
        journal.propose(pause)
    journal.keep()
    kept = store.get(keys.state_key("t")).body
    assert change(kept) != kept
    assert cache.read(resealed(kept)) is not None
    store.put(keys.state_key("t"), change(kept))
    assert writer(store).state() == journal.state()
    assert writer(store).state().champion is None


def test_a_cache_of_a_journal_that_was_written_anew_is_not_believed(store):
    old = writer(store)
    old.transact(pause)
    old.keep()
    store.delete(keys.entry_key("t", 1))
    kept = store.get(keys.state_key("t")).body
    store.delete(keys.state_key("t"))
    new = writer(store, "another")
    new.transact(lambda s, stamp: Resumed(**stamp._asdict(), reason="x"))
    store.put(keys.state_key("t"), kept)
    assert writer(store).state() == new.state()
    assert not writer(store).state().paused


def test_the_chain_is_the_same_however_the_entries_were_read(store):
    journal = writer(store)
    for _ in range(CACHE_EVERY + 3):
        journal.propose(pause)
    cached, read_on = writer(store).state(), journal.state()
    store.delete(keys.state_key("t"))
    assert writer(store).state() == cached == read_on
    assert cached.chain != cached.before


def test_an_old_cache_costs_requests_and_is_written_anew(store):
    journal = writer(store)
    journal.transact(pause)
    fields = {"before", "chain", "seal", "to_project_sha256"}
    old = journal.state().model_dump(mode="json", exclude=fields) | {"layout": 3}
    store.put(keys.state_key("t"), json.dumps(old).encode())
    reader = writer(store)
    assert reader.state() == journal.state()
    reader.keep()
    assert cache.read(store.get(keys.state_key("t")).body) == journal.state()


def test_what_a_listing_found_is_kept_for_the_next_reader(store):
    journal = writer(store)
    journal.transact(pause)
    listing = Listing(at=store.clock, manifests=12)
    journal.keep(listing)
    assert writer(store).state().listing == listing


def test_a_reader_that_has_nothing_new_leaves_the_cache_alone(store):
    journal = writer(store)
    journal.transact(pause)
    journal.keep()
    before = store.head(keys.state_key("t"))
    store.put(keys.state_key("t"), store.get(keys.state_key("t")).body + b" ")  # to see a rewrite
    reader = writer(store)
    reader.state()
    reader.keep()
    after = store.head(keys.state_key("t"))
    assert before
    assert after
    assert after.size_bytes == before.size_bytes + 1
