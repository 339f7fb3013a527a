"""`grasp status` says what a person needs to know; `grasp absorb` does what the watch would start."""

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas import filters
from typer.testing import CliRunner

from flows.absorb import absorb
from flows.cli import absorb as _absorb  # noqa: F401 - registers the command
from flows.cli import status as _status  # noqa: F401
from flows.cli.app import app
from tasks.operate import pause
from tests.flows.conftest import World

pytestmark = pytest.mark.integration


def test_an_absorb_by_hand_is_found_by_its_targets_tag(world: World):
    world.publish(1, year=2001)

    done = CliRunner().invoke(app, ["absorb", "--target", world.target.name])

    assert "1 arrivals taken" in done.output
    wanted = filters.FlowRunFilter(tags=filters.FlowRunFilterTags(all_=[f"target:{world.target.name}"]))
    with get_client(sync_client=True) as client:
        assert len(client.read_flow_runs(flow_run_filter=wanted)) == 1


def test_status_names_the_champion_its_accuracy_its_page_and_that_it_is_paused(world: World, mlflow_server):
    world.publish(1, year=2001)
    absorb(world.target.name)
    pause(world.journal, reason="new labels")
    (decided,) = world.decided()

    shown = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["status", world.target.name]).output

    assert f"{world.target.name} [paused]: champion version 1" in shown
    assert f"gate accuracy {decided.figures['gate_accuracy']:.4f}" in shown
    assert f"{mlflow_server.uri}/#/models/{world.target.name}?workflowType=machine_learning" in shown
    assert f"{decided.figures['test_accuracy']:.4f}" in shown
