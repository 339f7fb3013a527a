"""`make tutorial` runs what the page shows, and times its sections."""

import pytest

from benchmarks.tutorial import __main__ as tutorial
from tests.docs.story import seconds, told


def test_it_runs_the_blocks_of_the_page_in_their_order():
    script = "\n".join(tutorial._script())
    places = [
        script.index(block.text) for block in told("tutorial") if block.page.endswith("first-champion.md")
    ]
    assert places
    assert places == sorted(places)
    assert "make setup" not in script


def test_each_section_is_told_with_what_it_took(capsys: pytest.CaptureFixture[str]):
    lines = ["=== 1. Begin\n", "printed\n", "=== 2. End\n"]
    assert [section for section, _ in tutorial._sections(lines)] == ["1. Begin", "2. End"]
    assert capsys.readouterr().out == "    printed\n"


def test_a_story_tells_what_each_block_took():
    assert seconds("=== block a.md:1 0\nx\n=== block b.md:2 3\n=== block end 10\n") == {
        "a.md:1": 3,
        "b.md:2": 7,
    }
