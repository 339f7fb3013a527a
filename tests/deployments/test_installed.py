"""`grasp deploy` and `grasp worker` of the installed wheel, from a directory that is no clone."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
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
    names = ("watch", "tend", "absorb", "backfill", "retract", "rollback", "promote", "target-set")
    for name in (f"{name}/{name}" for name in names):
        assert f"deployment {name}: " in first
    assert "bucket team-that-deploys: there" in first
    prefect_server.run("prefect", "--no-prompt", "deploy", "--all", cwd=ROOT)
    again = team.said("deploy")
    said = dict(line.rsplit(": ", 1) for line in again.splitlines() if line.startswith(("deploy", "work")))
    assert len(said) == 10
    assert set(said.values()) == {"unchanged"}, again


def test_a_worker_runs_the_watch_which_asks_for_an_absorb(team: Team, client, tmp_path: Path):
    team.said("deploy")
    team.make_target("shapes-now")
    weights = team.make_weights("2014.safetensors")
    team.said("publish", weights, *PERIOD, "--target", "shapes-now")
    before = {run.id for run in runs_of(client, "absorb/absorb")}
    with working(team, "cpu", log=tmp_path / "log"), scheduled(client, "watch/watch"):
        limit = time.monotonic() + 400
        while not (wanted := [run for run in runs_of(client, "absorb/absorb") if run.id not in before]):
            assert time.monotonic() < limit, (tmp_path / "log").read_text()
            time.sleep(1)
    assert [run.parameters["target"] for run in wanted] == ["shapes-now"]
    assert "shapes/2014/1  ready" in team.said("status", "shapes-now")
    for run in wanted:
        client.delete_flow_run(run.id)


@contextmanager
def working(team: Team, pool: str, *, log: Path) -> Iterator[None]:
    """A worker of a pool, as a person starts it."""
    environment = team.installed.environment(**team.settings, PREFECT_WORKER_QUERY_SECONDS="2")
    with log.open("wb") as output:
        worker = subprocess.Popen(
            [team.installed.grasp, "worker", pool],
            cwd=team.installed.directory,
            env=environment,
            stdout=output,
            stderr=output,
        )
    try:
        yield
    finally:
        kill_tree(worker)


@contextmanager
def scheduled(client, name: str) -> Iterator[None]:
    """The schedules of a deployment are on, and off afterwards."""
    deployment = client.read_deployment_by_name(name)
    for schedule in deployment.schedules:
        client.update_deployment_schedule(deployment.id, schedule.id, active=True)
    try:
        yield
    finally:
        for schedule in deployment.schedules:
            client.update_deployment_schedule(deployment.id, schedule.id, active=False)


def runs_of(client, name: str):
    deployment = client.read_deployment_by_name(name)
    return [run for run in client.read_flow_runs() if run.deployment_id == deployment.id]
