"""Of every command block in the documentation: it is run, or says why not; and it could be run."""

import re
import shlex
import subprocess

import pytest
import typer
from typer.core import TyperGroup

from flows.cli.app import command_line
from tests.docs.blocks import ALL, Block, expected
from tests.docs.story import STORIES

BASH = [block for block in ALL if block.language != "python"]


@pytest.mark.parametrize("block", ALL, ids=lambda block: block.where)
def test_a_command_block_is_run_or_says_why_not(block: Block):
    assert block.mark in {"run", "not run"}, (
        f"{block.where}: needs <!-- run: STORY --> or <!-- not run: WHY -->"
    )
    assert block.said, f"{block.where}: needs a story or a reason"
    assert block.mark == "not run" or block.page in STORIES[block.said], f"{block.where}: is in no story"


def test_every_page_of_a_story_is_there_and_has_a_part_in_it():
    for story, pages in STORIES.items():
        told = {block.page for block in ALL if block.mark == "run" and block.said == story}
        assert told == set(pages)


def test_blocks_that_are_not_run_name_tests_that_exist():
    from tests.docs.blocks import ROOT

    named = [
        path
        for block in ALL
        if block.mark == "not run"
        for path in re.findall(r"tests/[\w/.-]+\.py", block.said)
    ]
    assert named
    assert [path for path in named if not (ROOT / path).is_file()] == []


@pytest.mark.parametrize("block", BASH, ids=lambda block: block.where)
def test_a_command_block_is_sound_bash(block: Block):
    text = block.text.replace("<", "[").replace(">", "]") if block.mark == "not run" else block.text
    done = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("block", [b for b in BASH if "grasp " in b.text], ids=lambda block: block.where)
def test_commands_and_options_in_the_documentation_exist(block: Block):
    for line in _commands(block.text):
        options = _options_of(line)
        unknown = [word.partition("=")[0] for word in line if word.startswith("--")]
        assert [word for word in unknown if word not in options] == [], f"{block.where}: {' '.join(line)}"


def test_an_expected_line_matches_what_it_leaves_out():
    block = Block("x.md", 1, "bash", "", prints="a …, b 0.…\n  c\n")
    first, second = expected(block)
    assert first.search("say a long, b 0.93 and more")
    assert not first.search("a long, c")
    assert second.search(" c ")


def _commands(text: str) -> list[list[str]]:
    """Give every call of grasp in a block, as words."""
    joined = text.replace("\\\n", " ")
    calls = re.findall(r"(?:^|[\s(])grasp ([a-z][^\n|;)&#>]*)", joined, re.MULTILINE)
    return [shlex.split(call.replace("<digest>", "digest")) for call in calls]


def _options_of(words: list[str]) -> set[str]:
    command = typer.main.get_command(command_line())
    for word in words:
        if not isinstance(command, TyperGroup):
            break
        assert word in command.commands, f"grasp {' '.join(words)}: no such command"
        command = command.commands[word]
    return {"--help", *(option for parameter in command.params for option in parameter.opts)}
