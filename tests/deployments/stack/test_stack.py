"""The whole system on real parts: the demo's story through nginx, closed doors, passwords nowhere."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from deployments.receiver.server import MOST_BYTES
from deployments.stack.layout import Layout
from tests.deployments.stack.doors import ask, knock, notification
from tests.deployments.stack.looking import kept, passwords
from tests.deployments.stack.running import Stack

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]
GRASP = [sys.executable, "-c", "from flows.cli.app import main; main()"]
NOBODY = {
    "prefect_tls": ("/api/flows/filter", "/api/admin/version", "/api/events", "/api/work_pools/filter"),
    "mlflow_tls": (
        "/version",
        "/api/2.0/mlflow/experiments/search?max_results=1",
        "/ajax-api/2.0/mlflow/users/get",
    ),
    "s3_tls": ("/grasp", "/grasp/journal/x", "/mlflow"),
}


@pytest.mark.parametrize(("door", "path"), [(door, path) for door, paths in NOBODY.items() for path in paths])
def test_no_door_opens_without_credentials(stack: Stack, door: str, path: str):
    assert ask(stack.layout, door, path) in (401, 403)


@pytest.mark.parametrize("door", ["prefect_tls", "mlflow_tls", "s3_tls", "receiver_tls"])
def test_requests_for_another_host_are_refused(stack: Stack, door: str):
    assert ask(stack.layout, door, "/health", Host="example.org") == 421


@pytest.mark.parametrize("door", ["prefect_tls", "mlflow_tls"])
def test_requests_from_another_page_are_refused(stack: Stack, door: str):
    assert ask(stack.layout, door, "/api/health", Origin="https://example.org") == 403


def test_forged_and_oversize_notifications_wake_nobody(stack: Stack):
    body = notification("manifests/digits/2014/1.json")
    assert knock(stack.layout, body) == 401
    assert knock(stack.layout, body, Authorization="Bearer wrong") == 401
    assert knock(stack.layout, notification("manifests/digits/2014/1.json", secret="wrong")) == 401
    right = {"Authorization": f"Bearer {stack.layout.secrets.receiver}"}
    assert knock(stack.layout, body.ljust(MOST_BYTES + 1), **right) == 413
    assert knock(stack.layout, b" " * 2**21, **right) == 413  # nginx does not pass it on
    assert knock(stack.layout, notification("journal/digits/1"), **right) == 204  # of no manifest


def test_the_story_is_told_through_nginx_and_leaves_no_password_and_no_pickle(stack: Stack, tmp_path: Path):
    tell_the_story(stack, tmp_path / "demo")
    check_passwords(stack.layout)
    check_pickles(stack.pickles)
    assert stack.stop() == 0


def tell_the_story(stack: Stack, directory: Path) -> None:
    told = subprocess.run(
        [*GRASP, "demo", "--stack", str(stack.directory), "--dir", str(directory)],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stdout + told.stderr
    summary = json.loads((directory / "summary.json").read_text())
    assert summary["problems"] == []
    assert {each["decision"] for each in summary["arrivals"]} >= {"promoted", "quarantined"}


def check_passwords(layout: Layout) -> None:
    """No password of the stack stands in anything that it kept: each of them is a canary."""
    canaries = passwords(layout)
    looked = list(kept(layout))
    assert len(looked) > 100
    assert [(where, name) for where, text in looked for name, each in canaries.items() if each in text] == []


def check_pickles(log: Path) -> None:
    """Neither a flow run nor a part of ours unpickles anything."""
    noted = log.read_text().splitlines() if log.exists() else []
    ours = ("prefect.engine", "-m deployments.", "flows.")
    assert [line for line in noted if any(each in line.partition("\t")[0] for each in ours)] == []
