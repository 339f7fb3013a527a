"""A flow run that a person started tells what it does, and is not drowned by Prefect's engine."""

import io
import logging
import subprocess
import sys
from collections.abc import Iterator

import prefect.flow_engine
import pytest
from prefect.logging.handlers import PrefectConsoleHandler

from flows.cli.by_hand import say_what_is_done


@pytest.fixture
def console() -> Iterator[io.StringIO]:
    """What Prefect's console prints."""
    stream, root = io.StringIO(), logging.getLogger()
    others = list(root.handlers)
    root.handlers[:] = [PrefectConsoleHandler(stream=stream)]
    yield stream
    root.handlers[:] = others


def log(level: int, said: str, *, file: str = __file__) -> None:
    logger = logging.getLogger("prefect.flow_runs")
    record = logger.makeRecord(logger.name, level, file, 1, said, (), None)
    for handler in logging.getLogger().handlers:
        handler.handle(record)


def test_lines_of_ours_come_as_time_and_words_and_the_engine_speaks_only_when_it_warns(console: io.StringIO):
    say_what_is_done()
    log(logging.INFO, "Beginning flow run", file=prefect.flow_engine.__file__)
    log(logging.INFO, "photos 2014 r1: promoted")
    log(logging.WARNING, "no heartbeat", file=prefect.flow_engine.__file__)
    first, second = console.getvalue().splitlines()
    assert (first[8:], second[8:]) == ("  photos 2014 r1: promoted", "  warning: no heartbeat")


def test_a_command_has_prefects_console_in_hand_before_its_flow_begins():
    """In a process of its own: Prefect sets its logging up when the first of its parts is imported."""
    code = (
        "import logging\nfrom flows.cli.by_hand import say_what_is_done\nsay_what_is_done()\n"
        "from prefect.logging.configuration import setup_logging\nsetup_logging()\n"
        "print([len(each.filters) for each in logging.getLogger().handlers])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=300
    )
    assert done.stdout == "[1]\n"


def test_with_debug_everything_is_said(console: io.StringIO, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GRASP_DEBUG", "1")
    say_what_is_done()
    log(logging.INFO, "Beginning flow run", file=prefect.flow_engine.__file__)
    assert console.getvalue() == "Beginning flow run\n"
