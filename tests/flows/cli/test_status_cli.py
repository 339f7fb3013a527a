"""`grasp status` says what a person needs to know; `grasp absorb` does what the watch would start."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas import filters
from typer.testing import CliRunner

from flows.absorb import absorb
from flows.cli.app import app, out
from flows.cli.pipeline import absorb as _absorb  # noqa: F401 - registers the command
from flows.cli.targets import lineage as _lineage  # noqa: F401
from flows.cli.targets import status as _status
from tasks.contracts.target import AbsorbSettings
from tasks.operations.pause import pause
from tests.flows.conftest import World

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[3]
STEP = re.compile(r"epoch .*\(absorb ")


def test_an_absorb_by_hand_is_found_by_its_targets_tag(world: World):
    world.publish(1, year=2001)

    done = CliRunner().invoke(app, ["absorb", "--target", world.target.name])

    assert "1 promoted; none left that is ready" in done.output
    wanted = filters.FlowRunFilter(tags=filters.FlowRunFilterTags(all_=[f"target:{world.target.name}"]))
    with get_client(sync_client=True) as client:
        assert len(client.read_flow_runs(flow_run_filter=wanted)) == 1


def test_status_names_the_champion_its_accuracy_its_pages_and_that_it_is_paused(
    world: World, mlflow_server, prefect_api, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PREFECT_API_URL", prefect_api)
    world.publish(1, year=2001)
    absorb(world.target.name)
    pause(world.journal, reason="new labels")
    (decided,) = world.decided()

    shown = CliRunner().invoke(app, ["status", world.target.name]).output

    assert f"{world.target.name} [paused]: champion version 1" in shown
    assert f"gate accuracy {decided.figures['gate_accuracy']:.4f}" in shown
    assert f"{mlflow_server.uri}/#/models/{world.target.name}?workflowType=machine_learning" in shown
    row = f"promoted     version 1   test {decided.figures['test_accuracy']:.4f}  first"
    assert f"  {world.target.series[0]}/2001/1  {row}" in shown
    assert re.search(r"^absorb runs: http://\S+/flows/flow/\S+$", shown, re.MULTILINE)


@pytest.mark.parametrize(
    "command",
    [
        ["backfill", "--from", "1999", "--apply"],
        ["retract", "digits/1999/1", "--reason", "leaked labels"],
        ["backfill", "--from", "2001", "--config", "epoch=3"],
    ],
)
def test_what_a_target_never_saw_is_refused_before_a_flow_run_begins(world: World, command: list[str]):
    world.publish(1, year=2001)
    absorb(world.target.name)

    done = CliRunner().invoke(app, [command[0], world.target.name, *command[1:]])

    assert done.exit_code != 0
    said = f"{done.output}{done.exception}"
    assert "nothing was done" in said or "nothing was changed" in said or "is no setting of an absorb" in said
    wanted = filters.FlowRunFilter(name=filters.FlowRunFilterName(like_=world.target.name))
    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs(flow_run_filter=wanted)
    assert {run.name.split("-")[0] for run in runs} == {"absorb"}


def test_status_beside_a_running_absorb_says_source_step_epoch_and_since_when(
    world: World, prefect_api: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PREFECT_API_URL", prefect_api)
    world.replace_target(absorb=AbsorbSettings(mode="reference", lr=1e-3, epochs=1, initial_epochs=600))
    world.publish(1, year=2001)
    series = world.target.series[0]
    with _held_after_its_first_epoch(world.target.name, prefect_api) as working:
        shown, until = "", time.monotonic() + 300
        while working.poll() is None and not STEP.search(shown) and time.monotonic() < until:
            time.sleep(0.5)
            shown = CliRunner().invoke(app, ["status", world.target.name]).output
    line = next(line for line in shown.splitlines() if "at work: " in line)
    assert re.search(rf"at work: {series} 2001 r1: epoch 1 of 600, .*\(.*{series} 2001 r1", line), line
    assert re.search(rf"absorb-{world.target.name} since \d\d:\d\d:\d\d UTC", line), line
    assert re.search(rf"{series}/2001/1 +at work", shown), shown
    assert "ready" not in shown


@pytest.mark.timeout(60)
def test_a_watch_ends_when_its_reader_has_gone(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(out, "unread", False)
    monkeypatch.setattr(_status.time, "sleep", lambda seconds: setattr(out, "unread", True))

    done = CliRunner().invoke(app, ["status", world.target.name, "--watch"])

    assert done.exit_code == 0
    assert done.output.count(f"{world.target.name}: champion none yet") == 1


@contextmanager
def _held_after_its_first_epoch(target: str, prefect_api: str) -> Iterator[subprocess.Popen]:
    """An absorb that goes no further once its progress was told; in a process of its own, as a worker's.

    Prefect hears of steps by events, and a process sends all of them where its first one went.
    """
    code = (
        "import time; from flows.absorb import absorb; from tasks.orchestration import artifacts; "
        "show = artifacts.FineTuneProgress._show; "
        "artifacts.FineTuneProgress._show = lambda *told: (show(*told), time.sleep(600)); "
        f"absorb({target!r})"
    )
    environment = os.environ | {"PREFECT_API_URL": prefect_api}
    working = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=environment)
    try:
        yield working
    finally:
        working.kill()
        working.wait()
