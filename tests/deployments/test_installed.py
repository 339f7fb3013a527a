"""`grasp deploy` and `grasp worker` of the installed wheel, from a directory that is no clone."""

import subprocess
import time
from pathlib import Path

import pytest

from tests.packaging.fixtures import ROOT, Installed
from tests.packaging.team import PERIOD, Team, team_of
from tests.servers.fixtures import Server, kill_tree

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def team(light: Installed, moto: Server, prefect_server) -> Team:
    (light.directory / "flows").mkdir()  # a folder of a name of ours, as a team's own project may have
    (light.directory / "flows" / "__init__.py").write_text("raise RuntimeError('not this one')")
    return team_of(light, moto, "team-that-deploys", PREFECT_API_URL=prefect_server.api_url)


def test_deploy_makes_a_server_ready_and_what_a_clone_deploys_is_the_same(team: Team, prefect_server):
    first = team.said("deploy", "--create-bucket")
    for name in ("watch/watch", "absorb/absorb", "backfill/backfill", "retract/retract"):
        assert f"deployment {name}: " in first
    assert "bucket team-that-deploys: there" in first
    prefect_server.run("prefect", "--no-prompt", "deploy", "--all", cwd=ROOT)
    again = team.said("deploy")
    said = dict(line.rsplit(": ", 1) for line in again.splitlines() if line.startswith(("deploy", "work")))
    assert len(said) == 6
    assert set(said.values()) == {"unchanged"}, again


def test_a_worker_runs_the_watch_which_asks_for_an_absorb(team: Team, client, tmp_path: Path):
    team.said("deploy")
    watch = client.read_deployment_by_name("watch/watch")
    for schedule in watch.schedules:
        client.update_deployment_schedule(watch.id, schedule.id, active=False)
    team.make_target("shapes-now")
    weights = team.make_weights("2014.safetensors")
    team.said("publish", weights, *PERIOD, "--target", "shapes-now")
    command = [team.installed.grasp, "worker", "cpu"]
    environment = team.installed.environment(**team.settings, PREFECT_WORKER_QUERY_SECONDS="2")
    with (tmp_path / "log").open("wb") as log:
        worker = subprocess.Popen(
            command, cwd=team.installed.directory, env=environment, stdout=log, stderr=log
        )
    try:
        looked = client.create_flow_run_from_deployment(watch.id)
        limit = time.monotonic() + 300
        while not (state := client.read_flow_run(looked.id).state).is_final():
            assert time.monotonic() < limit, (state, (tmp_path / "log").read_text())
            time.sleep(1)
        assert state.is_completed(), (state, (tmp_path / "log").read_text())
    finally:
        kill_tree(worker)
    absorb = client.read_deployment_by_name("absorb/absorb")
    wanted = [run for run in client.read_flow_runs() if run.deployment_id == absorb.id]
    assert [run.parameters["target"] for run in wanted] == ["shapes-now"]
    assert "shapes/2014/1  ready" in team.said("status", "shapes-now")
    for run in wanted:
        client.delete_flow_run(run.id)
