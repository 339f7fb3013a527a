"""Packed records behave like a dictionary, whatever is done to them in whatever order."""

import hashlib
import random

import pytest

from tasks.contracts import packed
from tasks.contracts.state import Closed, ClosedArrivals, SeqByArrival, SeqByWeights, State


def digest(number: int, length: int = 32) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()[: 2 * length]


@pytest.mark.parametrize("kept", [0, 3, 4096])
def test_it_agrees_with_a_dictionary_under_random_changes(kept: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(packed, "CHANGES_KEPT", kept)
    chance, ours, truth = random.Random(7), SeqByArrival(), {}
    for step in range(2000):
        key = digest(chance.randrange(200))
        if chance.random() < 0.4 and key in truth:
            assert ours.pop(key) == truth.pop(key)
        else:
            ours[key] = truth[key] = step
        assert len(ours) == len(truth)
        assert (key in ours) == (key in truth)
        if step % 100 == 0:
            ours = SeqByArrival.load(ours.dump())
    assert dict(ours) == truth
    assert list(ours) == sorted(truth)


def test_keys_that_share_their_first_bytes_are_told_apart():
    ours = SeqByArrival()
    keys = ["ab" * 8 + f"{n:02x}" * 24 for n in range(5)]
    for n, key in enumerate(keys):
        ours[key] = n
    back = SeqByArrival.load(ours.dump())
    assert [back[key] for key in keys] == [0, 1, 2, 3, 4]
    assert "ab" * 8 + "ff" * 24 not in back


def test_a_copy_goes_its_own_way():
    one = SeqByArrival()
    one[digest(1)] = 1
    other = one.copy()
    other[digest(2)] = 2
    del other[digest(1)]
    assert dict(one) == {digest(1): 1}
    assert dict(other) == {digest(2): 2}


def test_every_field_of_a_closed_arrival_comes_back():
    arrivals = ClosedArrivals()
    values = [
        Closed(decision, 10**12 - 1, 5, 2**32 - 1)
        for decision in ("promoted", "rejected", "quarantined", "parked", "duplicate")
    ]
    for n, value in enumerate(values):
        arrivals[digest(n)] = value
    back = ClosedArrivals.load(arrivals.dump())
    assert [back[digest(n)] for n in range(5)] == values
    assert back.mark(bytes.fromhex(digest(0))) == 2**32 - 1
    assert back.mark(bytes.fromhex(digest(9))) is None


@pytest.mark.parametrize("key", ["", "not hex", "ab", "00" * 31])
def test_what_is_no_digest_is_in_no_mapping(key: str):
    arrivals = SeqByArrival()
    arrivals["00" * 32] = 1
    assert key not in arrivals


@pytest.mark.parametrize("text", ["!!!", "AAAA", "é"])
def test_damaged_text_is_refused(text: str):
    with pytest.raises(ValueError, match=r"base64|multiple"):
        ClosedArrivals.load(text)


def test_a_record_takes_tens_of_bytes():
    weights = SeqByWeights()
    for n in range(1000):
        weights[digest(n, 16)] = n
    assert len(weights.dump()) < 1000 * 30


def test_a_state_comes_back_from_its_cache():
    state = State(seq=3)
    state.closed[digest(1)] = Closed("parked", 3, 1, 7)
    state.weights[digest(1, 16)] = 3
    assert State.model_validate_json(state.model_dump_json()) == state


def test_a_key_of_another_length_is_refused_and_changes_nothing():
    ours = SeqByArrival()
    with pytest.raises(ValueError, match="has 4 bytes, needs 32"):
        ours["abcdef01"] = 1
    assert len(ours) == 0


def test_what_is_not_there_cannot_be_deleted():
    with pytest.raises(KeyError):
        del SeqByArrival()[digest(1)]


@pytest.mark.parametrize(("text", "said"), [("!", "is not base64"), ("AAAA", "is 3 bytes, needs a multiple")])
def test_records_that_are_cut_off_or_garbled_are_refused(text: str, said: str):
    with pytest.raises(ValueError, match=said):
        SeqByArrival.load(text)
