"""The picture of a lineage marks every kind of decision, and what people did by hand."""

from pathlib import Path

from tasks.contracts.journal import Decided
from tasks.registry.lineage_figure import BY_HAND, MARKS, lineage_figure
from tasks.registry.story import Event


def event(word: str, decided: Decided | None = None, *, lineage: str | None = "main") -> Event:
    return Event(1, word, "digits 2014" if decided else "to version 1", "r", 1, lineage, decided)


def test_decisions_and_what_is_done_by_hand_are_marked(decided: Decided, tmp_path: Path):
    good = decided.model_copy(update={"figures": {"gate_accuracy": 0.8, "test_accuracy": 0.7}})
    bare = decided.model_copy(update={"figures": {}})
    events = [event(word, good if word in ("promoted", "rejected") else bare) for word in MARKS]
    events += [event(word, lineage=None) for word in BY_HAND]
    elsewhere = event("promoted", good, lineage="backfill-1")
    marked = lineage_figure("t", "main", [*events, elsewhere], tmp_path / "lineage.png")
    assert marked == [f"digits 2014 {word}" for word in MARKS] + [f"{word} to version 1" for word in BY_HAND]
    assert (tmp_path / "lineage.png").read_bytes().startswith(b"\x89PNG")


def test_a_lineage_without_a_source_is_an_empty_picture(tmp_path: Path):
    assert lineage_figure("t", "main", [], tmp_path / "lineage.png") == []
