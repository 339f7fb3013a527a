"""A registered model says which version serves, how it does, and what was decided lately."""

from tasks.contracts.journal import Decided
from tasks.contracts.state import Point, State
from tasks.registry.description import ROWS, description


def test_champion_accuracies_and_a_short_history_are_said(decided: Decided):
    figures = {"gate_accuracy_before": 0.8, "gate_accuracy": 0.825, "test_accuracy": 0.5}
    promoted = decided.model_copy(update={"figures": figures})
    state = State(champion=3, previous=2, versions={3: Point(lineage="main", gate_accuracy=0.7)})
    said = description("t", state, promoted, [promoted] * (ROWS + 5), view="http://m/#/x")
    assert said.startswith("**Champion: version 3** (digits 2014-q3, lineage main)")
    assert "gate accuracy 70.0%, test accuracy 50.0%" in said  # as measured last
    assert "| 80.0% | 82.5% | 50.0% | first |" in said
    assert said.count("digits 2014-q3 |") == ROWS
    assert "(http://m/#/x)" in said


def test_a_target_without_a_champion_says_so(decided: Decided):
    assert description("t", State(), None, [decided], view="v").startswith("No champion yet.")
