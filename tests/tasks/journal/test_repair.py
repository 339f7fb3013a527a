"""A stranger's entry is moved aside, whole; what reads stays; a person is asked where bytes are lost."""

import pytest

from tasks.bucket.store import Store
from tasks.contracts import keys
from tasks.contracts.journal import Paused
from tasks.contracts.state import State
from tasks.errors import AlreadyThere, InvalidDocument, NewerSchema, OperationRefused
from tasks.journal.log import Journal, Stamp
from tasks.journal.repair import diagnose, move_aside

JUNK = b"a stranger was here"


def pause(state: State, stamp: Stamp) -> Paused:
    return Paused(**stamp._asdict(), reason="x")


@pytest.fixture
def journal(store: Store) -> Journal:
    """A journal of three entries."""
    journal = Journal(store, "t", by="test")
    for _ in range(3):
        journal.transact(pause)
    return journal


def read(store: Store) -> State:
    return Journal(store, "t", by="reader").state()


def objects(store: Store) -> dict[str, bytes]:
    return {item.key: store.get(item.key).body for item in store.list("journal/")}


PAUSED = '"schema_version":1,"at":"2026-11-21T00:00:00Z","by":"x","kind":"paused","reason":"x"'
STRANGERS = {
    "no JSON": JUNK,
    "empty": b"",
    "no object": b"[]",
    "an unknown kind": b'{"schema_version": 1, "seq": 4, "kind": "unheard-of"}',
    "a field too many": f'{{{PAUSED},"seq":4,"why":"x"}}'.encode(),
    "another seq": f'{{{PAUSED},"seq":9}}'.encode(),
}


@pytest.mark.parametrize("body", STRANGERS.values(), ids=STRANGERS)
def test_an_entry_that_does_not_read_is_moved_aside_and_the_journal_goes_on(
    store: Store, journal: Journal, body: bytes
):
    store.put(keys.entry_key("t", 4), body)
    with pytest.raises(InvalidDocument, match=r"000000000004\.json: .*grasp repair t --journal"):
        read(store)
    before = objects(store)

    found = diagnose(store, "t")
    assert (found.tip, [each.seq for each in found.strangers], found.refused) == (3, [4], "")
    assert objects(store) == before  # looking changes nothing
    (aside,) = move_aside(store, "t", found)

    assert store.get(aside).body == body
    assert not aside.startswith(keys.JOURNAL)
    assert Journal(store, "t", by="writer").transact(pause).seq == 4
    assert diagnose(store, "t").strangers == ()
    after = objects(store)
    assert all(after[keys.entry_key("t", seq)] == before[keys.entry_key("t", seq)] for seq in (1, 2, 3))


def test_all_that_a_stranger_left_behind_a_gap_is_moved(store: Store, journal: Journal):
    for seq in (4, 6, 999):
        store.put(keys.entry_key("t", seq), JUNK)
    moved = move_aside(store, "t", diagnose(store, "t"))
    assert len(moved) == len(set(moved)) == 3
    assert read(store).seq == 3


def test_a_repair_that_died_half_way_is_done_again(store: Store, journal: Journal):
    store.put(keys.entry_key("t", 4), JUNK)
    found = diagnose(store, "t")
    store.create(found.strangers[0].aside, JUNK)
    move_aside(store, "t", diagnose(store, "t"))
    assert read(store).seq == 3


def test_what_changed_since_it_was_looked_at_stays(store: Store, journal: Journal):
    store.put(keys.entry_key("t", 4), JUNK)
    found = diagnose(store, "t")
    store.put(keys.entry_key("t", 4), b"other bytes")
    with pytest.raises(OperationRefused, match="changed since"):
        move_aside(store, "t", found)
    assert store.get(keys.entry_key("t", 4)).body == b"other bytes"


def test_an_entry_that_was_overwritten_is_not_given_up_without_a_word(store: Store, journal: Journal):
    store.put(keys.entry_key("t", 2), JUNK)
    found = diagnose(store, "t")
    assert "entries 3 behind entry 2 can be read, so that one was overwritten" in found.refused
    assert "older versions" in found.refused
    with pytest.raises(OperationRefused, match="nothing was changed"):
        move_aside(store, "t", found)
    assert store.get(keys.entry_key("t", 2)).body == JUNK


def test_a_last_entry_that_was_overwritten_is_given_up_only_by_name(store: Store, journal: Journal):
    journal.keep()
    store.put(keys.entry_key("t", 3), JUNK)
    assert "entry 3 was read as a good one before" in diagnose(store, "t").refused
    (aside,) = move_aside(store, "t", diagnose(store, "t", named=[3]))
    assert store.get(aside).body == JUNK
    assert read(store).seq == 2


def test_a_gap_with_entries_behind_it_is_refused_until_they_are_named(store: Store, journal: Journal):
    store.put(keys.entry_key("t", 6), _good(store, 6))
    with pytest.raises(
        InvalidDocument, match="journal entry 6 follows entry 3, needs 4; entries are missing"
    ):
        read(store)
    found = diagnose(store, "t")
    assert "entry 4 is missing and entries 6 behind it can be read" in found.refused

    (aside,) = move_aside(store, "t", diagnose(store, "t", named=[6]))
    assert store.get(aside).body == _good(store, 6)
    assert read(store).seq == 3


@pytest.mark.parametrize("seq", [1, 3])
def test_an_entry_that_everybody_reads_is_never_moved(store: Store, journal: Journal, seq: int):
    before = objects(store)
    with pytest.raises(OperationRefused, match="is read by everybody and stays"):
        diagnose(store, "t", named=[seq])
    assert objects(store) == before


def test_an_entry_of_newer_code_is_no_strangers(store: Store, journal: Journal):
    store.put(keys.entry_key("t", 4), b'{"schema_version": 3, "seq": 4, "kind": "merged"}')
    for look in (lambda: read(store), lambda: diagnose(store, "t")):
        with pytest.raises(NewerSchema, match=r"000000000004\.json: schema_version is 3"):
            look()


def test_a_whole_journal_has_nothing_in_its_way(store: Store, journal: Journal):
    found = diagnose(store, "t")
    assert (found.tip, found.strangers, found.refused) == (3, (), "")
    assert diagnose(store, "unheard-of").tip == 0


def _good(store: Store, seq: int) -> bytes:
    return store.get(keys.entry_key("t", 3)).body.replace(b'"seq": 3', b'"seq": %d' % seq)


def test_what_already_lies_aside_under_the_name_is_never_overwritten(store: Store, journal: Journal):
    store.put(keys.entry_key("t", 4), JUNK)
    found = diagnose(store, "t")
    store.put(found.strangers[0].aside, b"of somebody else")
    with pytest.raises(AlreadyThere):
        move_aside(store, "t", found)
    assert store.get(found.strangers[0].aside).body == b"of somebody else"
    assert store.get(keys.entry_key("t", 4)).body == JUNK
