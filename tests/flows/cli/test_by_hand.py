"""A flow run that a person started tells what it does, and is not drowned by Prefect's engine."""

import io
import logging
from collections.abc import Iterator

import prefect.flow_engine
import pytest

from flows.cli.by_hand import say_what_is_done


@pytest.fixture
def console() -> Iterator[io.StringIO]:
    """What a handler of the logger `prefect` prints, as that of the console is one."""
    stream, logger = io.StringIO(), logging.getLogger("prefect")
    others, handler = list(logger.handlers), logging.StreamHandler(stream)
    logger.handlers[:] = [handler]
    yield stream
    logger.handlers[:] = others


def log(level: int, said: str, *, file: str = __file__) -> None:
    logger = logging.getLogger("prefect.flow_runs")
    record = logger.makeRecord(logger.name, level, file, 1, said, (), None)
    for handler in logging.getLogger("prefect").handlers:
        handler.handle(record)


def test_lines_of_ours_come_as_time_and_words_and_the_engine_speaks_only_when_it_warns(console: io.StringIO):
    say_what_is_done()
    log(logging.INFO, "Beginning flow run", file=prefect.flow_engine.__file__)
    log(logging.INFO, "photos 2014 r1: promoted")
    log(logging.WARNING, "no heartbeat", file=prefect.flow_engine.__file__)
    first, second = console.getvalue().splitlines()
    assert (first[8:], second[8:]) == ("  photos 2014 r1: promoted", "  warning: no heartbeat")


def test_with_debug_everything_is_said(console: io.StringIO, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GRASP_DEBUG", "1")
    say_what_is_done()
    log(logging.INFO, "Beginning flow run", file=prefect.flow_engine.__file__)
    assert console.getvalue() == "Beginning flow run\n"
