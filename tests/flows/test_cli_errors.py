"""An error of ours says all by itself: no traceback of Prefect's beside it, unless --debug asks for one."""

import logging
import sys

import pytest

from flows.cli.app import _without_our_tracebacks
from tasks.errors import NotThere


def logged(error: Exception) -> logging.LogRecord:
    try:
        raise error
    except Exception:
        return logging.LogRecord(
            "prefect.flow_runs", logging.ERROR, __file__, 1, "it failed", (), sys.exc_info()
        )


def test_our_errors_are_logged_without_a_traceback_and_others_with_theirs():
    ours, bug = logged(NotThere("no such period")), logged(KeyError("x"))
    assert _without_our_tracebacks(ours)
    assert _without_our_tracebacks(bug)
    assert ours.exc_info is None
    assert bug.exc_info is not None


def test_debug_keeps_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GRASP_DEBUG", "1")
    record = logged(NotThere("no such period"))
    assert _without_our_tracebacks(record)
    assert record.exc_info is not None
