"""A target's newest events are told in words, from wherever they stand in its journal."""

import pytest

from tasks.contracts.journal import Decided, RolledBack, Switched, Withdrawn
from tasks.contracts.state import State
from tasks.registry.story import BEHIND, KEPT, Storyteller
from tests.tasks.journal.script import A, B, Script


@pytest.fixture
def script(stamp) -> Script:
    return Script(stamp)


class Told:
    """A journal in memory, as far as a storyteller reads one; counts what is read."""

    def __init__(self, script: Script) -> None:
        self._script, self.read = script, 0

    @property
    def last(self) -> State:
        return self._script.state

    def entries(self, *, after: int = 0):
        found = [entry for entry in self._script.entries if entry.seq > after]
        self.read += len(found)
        return iter(found)


def test_decisions_and_what_is_done_by_hand_are_told_in_their_order(script: Script):
    for arrival, version, year in ((A, 1, 2014), (B, 2, 2015)):
        script.accept(arrival)
        script.decide(arrival, "promoted", version, year)
    script.add(RolledBack, registry_version=1, reason="worse at night")
    script.add(Withdrawn, arrival_id=B, reason="leaked labels")
    script.add(Switched, lineage="retract-x", registry_version=1, reason="retract")
    told = [(event.word, event.about, event.reason) for event in Storyteller(Told(script)).read()]
    assert told == [
        ("promoted", "s/2014", "always"),
        ("promoted", "s/2015", "always"),
        ("rolled back", "to version 1", "worse at night"),
        ("withdrawn", "s/2015", "leaked labels"),
        ("lineage took over", "to version 1", "retract"),
    ]


def test_what_was_read_once_is_not_read_again_and_a_long_journal_not_from_its_start(script: Script):
    journal = Told(script)
    for number in range(BEHIND + 50):
        script.entries.append(Decided(**_decided(script, number)))
    script.state = State(seq=BEHIND + 50)
    story = Storyteller(journal)
    assert len(story.read()) == KEPT
    assert journal.read == BEHIND
    assert len(story.read()) == KEPT
    assert journal.read == BEHIND


def _decided(script: Script, number: int) -> dict:
    script.state = State()
    script.accept(A)
    script.decide(A, "rejected", None)
    made = script.entries.pop()
    script.entries.pop()
    return made.model_dump() | {"seq": number + 1}
