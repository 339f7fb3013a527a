"""A registered model says which version serves, how it does, and what was decided lately."""

from tasks.contracts.journal import Decided
from tasks.contracts.state import Point, State
from tasks.registry.description import ROWS, Links, description
from tasks.registry.story import Event

LINKS = Links(decisions="http://m/#/d", charts="http://m/#/c", picture="http://m/#/p", runbook="http://r/")


def event(word: str, decided: Decided | None = None, *, lineage: str = "main") -> Event:
    return Event(1, word, "digits 2014-q3" if decided else "to version 2", "first", 2, lineage, decided)


def test_champion_accuracies_and_a_short_history_are_said(decided: Decided):
    figures = {"gate_accuracy_before": 0.8, "gate_accuracy": 0.825, "test_accuracy": 0.5}
    promoted = decided.model_copy(update={"figures": figures})
    state = State(champion=3, previous=2, versions={3: Point(lineage="main", gate_accuracy=0.7)})
    said = description("t", state, promoted, [event("promoted", promoted)] * (ROWS + 5), links=LINKS)
    assert said.startswith("**Champion: version 3** (digits 2014-q3, lineage main)")
    assert "gate accuracy 70.0%, test accuracy 50.0%" in said  # as measured last
    assert "| 80.0% | 82.5% | 50.0% | first |" in said
    assert said.count("digits 2014-q3 | promoted |") == ROWS


def test_what_is_done_by_hand_stands_in_the_history_newest_first(decided: Decided):
    events = [event("promoted", decided, lineage="backfill-1"), event("rolled back")]
    rows = [
        line
        for line in description("t", State(), None, events, links=LINKS).splitlines()
        if line.endswith("first |")
    ]
    assert rows[0].startswith("| to version 2 | rolled back | 2 |")
    assert rows[1].startswith("| digits 2014-q3 | promoted in backfill-1 | 2 |")


def test_the_saved_view_the_charts_the_picture_and_the_runbook_are_linked(decided: Decided):
    said = description("t", State(), None, [], links=LINKS)
    assert all(f"({address})" in said for address in LINKS)
    assert "`grasp --help`" in description("t", State(), None, [], links=LINKS._replace(runbook=None))


def test_a_target_without_a_champion_says_so():
    assert description("t", State(), None, [], links=LINKS).startswith("No champion yet.")
