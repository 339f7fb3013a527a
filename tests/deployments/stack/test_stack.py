"""The whole system on real parts: the demo's story through nginx, closed doors, passwords nowhere."""

import json
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from deployments.stack.layout import Layout
from deployments.supervision.unit import HOST
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


def ask(layout: Layout, door: str, path: str, **headers: str) -> int:
    """Ask at a door without credentials; gives the status."""
    context = ssl.create_default_context(cafile=str(layout.authority))
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    )
    request = urllib.request.Request(f"https://{HOST}:{getattr(layout.ports, door)}{path}", headers=headers)
    try:
        with opener.open(request, timeout=30) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


@pytest.mark.parametrize(("door", "path"), [(door, path) for door, paths in NOBODY.items() for path in paths])
def test_no_door_opens_without_credentials(stack: Stack, door: str, path: str):
    assert ask(stack.layout, door, path) in (401, 403)


@pytest.mark.parametrize("door", ["prefect_tls", "mlflow_tls", "s3_tls", "receiver_tls"])
def test_requests_for_another_host_are_refused(stack: Stack, door: str):
    assert ask(stack.layout, door, "/health", Host="example.org") == 421


@pytest.mark.parametrize("door", ["prefect_tls", "mlflow_tls"])
def test_requests_from_another_page_are_refused(stack: Stack, door: str):
    assert ask(stack.layout, door, "/api/health", Origin="https://example.org") == 403


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
