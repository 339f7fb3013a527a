"""An error of ours says all by itself in one line: no traceback beside it, unless --debug asks for one."""

import logging
import socket
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import flows.cli.sources.arrival
import flows.cli.targets.lineage
import flows.cli.targets.operate
import flows.cli.targets.serve  # noqa: F401 - they register themselves
from deployments.machine.layout import make_layout
from deployments.supervision.state import alone
from flows.cli.app import _or_one_line, _without_our_tracebacks, app
from tasks.errors import GraspError, NotThere, OperationRefused, StoreUnavailable, TrackingUnavailable


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


def test_what_a_stranger_wrote_does_nothing_to_the_terminal(capsys: pytest.CaptureFixture[str]):
    def command() -> None:
        raise NotThere("key \x1b[2Jx is not there\nits log ends with: \x07")

    with pytest.raises(SystemExit):
        _or_one_line(command)
    assert capsys.readouterr().err == "grasp: key \\x1b[2Jx is not there\nits log ends with: \\x07\n"


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("", "--reason has 0 characters, needs 1 to 1000"),
        (" \n ", "--reason has 0 characters"),
        ("x" * 1001, "--reason has 1001 characters"),
        ("a\x1b[2J", "--reason holds"),
        ("a\nb", "needs one line"),
    ],
)
@pytest.mark.parametrize(
    "command",
    [
        ("requeue", "digits/2017/1"),
        ("pause", "t"),
        ("resume", "t"),
        ("promote", "t", "1"),
        ("rollback", "t"),
        ("retract", "t", "digits/2017/1"),
    ],
    ids=lambda command: command[0],
)
def test_a_reason_that_no_journal_keeps_is_refused_in_one_line_before_anything_is_done(
    command: tuple[str, ...], reason: str, said: str
):
    error = CliRunner().invoke(app, [*command, "--reason", reason]).exception
    assert isinstance(error, OperationRefused)
    assert said in str(error)
    assert str(error).endswith("nothing was changed")
    assert str(error).isprintable()


def test_a_port_that_is_taken_is_said_before_a_model_is_asked_for(monkeypatch: pytest.MonkeyPatch):
    for name, value in {"GRASP_BUCKET": "bucket", "MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}.items():
        monkeypatch.setenv(name, value)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        error = CliRunner().invoke(app, ["serve", "digits-now", "--port", str(port)]).exception
    assert isinstance(error, OperationRefused)
    assert str(error).startswith(f"127.0.0.1:{port}: cannot listen there (Address already in use)")


def said(error: GraspError, capsys: pytest.CaptureFixture[str]) -> str:
    def failing() -> None:
        raise error

    with pytest.raises(SystemExit):
        _or_one_line(failing)
    return capsys.readouterr().err


def test_a_server_of_a_stack_that_is_down_is_said_to_be_started_by_grasp_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    away, hint = StoreUnavailable("no answer"), "the stack in this directory is down; grasp up starts it\n"
    assert said(away, capsys) == "grasp: no answer\n"  # no stack lies here
    layout = make_layout(tmp_path)
    for each in (away, TrackingUnavailable("no answer")):
        assert said(each, capsys) == "grasp: no answer\n" + hint
    assert said(NotThere("no such target"), capsys) == "grasp: no such target\n"
    with alone(layout.data):  # somebody runs it: something else is wrong
        assert said(away, capsys) == "grasp: no answer\n"
