"""`prefect --no-prompt deploy --all`, as a person types it, on a bootstrapped server."""

from datetime import timedelta
from pathlib import Path

import pytest

from deployments.bootstrap import bootstrap
from deployments.deploy import deploy
from deployments.watches import WATCH, watches_in
from tests.deployments.conftest import found_and_still

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def deployments(prefect_server):
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with (
        temporary_settings({PREFECT_API_URL: prefect_server.api_url}),
        get_client(sync_client=True) as client,
    ):
        bootstrap()
        for _ in range(2):  # a second time must change nothing
            prefect_server.run("prefect", "--no-prompt", "deploy", "--all", cwd=ROOT)
        return found_and_still(client)


def test_flows_are_deployed_as_module_paths_without_code_to_fetch(deployments):
    assert deployments["watch"].entrypoint == "flows.watch.watch"
    assert deployments["absorb"].entrypoint == "flows.absorb.absorb"
    for each in deployments.values():
        assert ":" not in each.entrypoint
        assert not each.pull_steps
        assert each.path is None


def test_the_watch_runs_every_30_seconds_on_cpu_and_never_twice_at_once(deployments):
    watch = deployments["watch"]
    assert [each.schedule.interval for each in watch.schedules] == [timedelta(seconds=30)]
    assert (watch.work_pool_name, watch.work_queue_name) == ("cpu", "watch")
    assert watch.global_concurrency_limit.limit == 1
    assert watch.concurrency_options.collision_strategy == "ENQUEUE"


def test_absorbs_run_on_gpu_for_one_target_when_asked(deployments):
    absorb = deployments["absorb"]
    assert absorb.schedules == []
    assert (absorb.work_pool_name, absorb.work_queue_name) == ("gpu", "absorb")
    assert absorb.parameter_openapi_schema["required"] == ["target"]


def test_a_backfill_shows_a_form_with_bounds_and_what_they_mean(deployments):
    backfill = deployments["backfill"]
    assert (backfill.work_pool_name, backfill.work_queue_name) == ("gpu", "backfill")
    form = backfill.parameter_openapi_schema
    assert form["required"] == ["target", "request"]
    request = form["definitions"]["BackfillRequest"]
    assert all("description" in field for field in request["properties"].values())
    lr = form["definitions"]["SettingChanges"]["properties"]["lr"]
    assert {"exclusiveMinimum": 0.0, "maximum": 10.0, "type": "number"} in lr["anyOf"]


@pytest.mark.parametrize("name", ["rollback", "promote", "target-set"])
def test_what_a_person_decides_waits_for_no_absorb(deployments, name: str):
    assert (deployments[name].work_pool_name, deployments[name].work_queue_name) == ("cpu", "by-hand")
    assert deployments[name].schedules == []


def test_every_run_beats_often_enough_for_the_zombie_automation(deployments):
    for each in deployments.values():
        assert each.job_variables["env"]["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"] == "30"


def test_watches_that_share_the_targets_come_and_go_and_stay_as_many_as_they_are(deployments, client):
    def watches() -> dict[str, dict[str, int]]:
        found = found_and_still(client)
        return {name: found[name].parameters for name in watches_in(found)}

    def wakes() -> int:
        return sum(each.name.startswith("grasp: watch when") for each in client.read_automations())

    assert deploy(watches=2)[f"deployment {WATCH}/watch-2"] == "created"
    shared = {"watch": {"share": 1, "shares": 2}, "watch-2": {"share": 2, "shares": 2}}
    assert (watches(), wakes()) == (shared, 2)
    deploy()
    assert (watches(), wakes()) == (shared, 2)
    assert deploy(watches=1)[f"deployment {WATCH}/watch-2"] == "deleted"
    assert (watches(), wakes()) == ({"watch": {}}, 1)
