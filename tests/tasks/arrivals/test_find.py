"""An arrival is found by what a person has at hand, and never guessed."""

import pytest

from tasks.arrivals.find import find_arrival, known_arrival
from tasks.contracts import keys
from tasks.contracts.journal import Accepted
from tasks.contracts.state import State
from tasks.errors import NotThere, OperationRefused
from tasks.journal.fold import fold

WHICH = "digits/2014/1"
KEY = f"{keys.MANIFESTS}{WHICH}.json"
ID = keys.arrival_id(KEY)
OTHER = ID[:8] + "0" * 56


@pytest.fixture
def state(stamp) -> State:
    """Two arrivals whose ids begin alike."""
    fields = {"key": KEY, "manifest": None, "size_bytes": 1, "digest": None, "etag": "e"}
    return fold(
        State(),
        [Accepted(**stamp(seq), arrival_id=arrival, **fields) for seq, arrival in enumerate((ID, OTHER), 1)],
    )


@pytest.mark.parametrize("which", [WHICH, KEY, ID, ID[:12]])
def test_name_key_id_and_the_start_of_an_id_find_the_same(state: State, which: str):
    assert find_arrival(which, state) == ID


@pytest.mark.parametrize("which", ["digits/2015/1", "f" * 64, "ffffff"])
def test_what_the_journal_does_not_know_is_said_to_be_unknown(state: State, which: str):
    assert find_arrival(which, state) is None
    with pytest.raises(NotThere, match=f"target t knows no arrival {which}; grasp status t lists them"):
        known_arrival(which, state, target="t")


def test_a_start_that_two_ids_share_is_refused_and_names_both(state: State):
    with pytest.raises(OperationRefused, match="2 arrivals begin so") as refused:
        find_arrival(ID[:8], state)
    assert ID in str(refused.value)
    assert OTHER in str(refused.value)


@pytest.mark.parametrize("which", ["abcde", "digits", "manifests/digits.json"])
def test_what_names_no_arrival_is_refused_with_what_does(state: State, which: str):
    with pytest.raises(OperationRefused, match="is no arrival; give six or more characters of its id"):
        find_arrival(which, state)
