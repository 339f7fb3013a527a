"""Deploy the flows of prefect.yaml, as often as you like and from anywhere: `prefect deploy --all`."""

import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import yaml
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterName,
    FlowFilter,
    FlowFilterName,
)
from prefect.client.schemas.responses import DeploymentResponse
from prefect.settings import PREFECT_API_URL

from deployments.environment import environment_here
from deployments.watches import WATCH, watches_in, with_watches
from tasks.errors import InvalidSettings, OrchestrationRefused
from tasks.orchestration.flow_runs import connected

PROJECT = Path(str(files("deployments") / "prefect.yaml"))  # a clone's prefect.yaml is a link to it
# What moves by itself, or says whence something was deployed: a clone's commit, for one.
_MOVING = {
    *("created", "updated", "last_polled", "status", "concurrency_limit", "global_concurrency_limit"),
    *("version", "version_id", "version_info", "branch", "base", "root"),
}
_MOVING_SCHEDULE = ("created", "updated")


def deploy(project: Path = PROJECT, *, watches: int | None = None) -> dict[str, str]:
    """Deploy all of a prefect.yaml; give what was done to each deployment.

    Prefect's own command does it, so the result is what a clone gets.
    watches: how many share the targets; by default as many as there are, or one. Those beyond are deleted.
    Raises OrchestrationRefused with the command's last words, OrchestrationUnavailable.
    """
    with connected() as client, TemporaryDirectory(prefix="grasp-deploy-") as directory:
        there = _watches(client)
        wanted = watches or len(there) or 1
        asked = Path(directory) / PROJECT.name
        asked.write_text(with_watches(project.read_text(), wanted))
        names = [each["name"] for each in yaml.safe_load(asked.read_text())["deployments"]]
        before = _deployed(client, names)
        _run_prefect(client, asked)
        after = _deployed(client, names)
        gone = {name: deployment for name, deployment in there.items() if name not in names}
        for deployment in gone.values():
            client.delete_resource_owned_automations(f"prefect.deployment.{deployment}")  # or they stay
            client.delete_deployment(deployment)
    done = {f"deployment {name}": _change(before.get(name), found) for name, found in after.items()}
    return done | {f"deployment {WATCH}/{name}": "deleted" for name in gone}


def need_server() -> None:
    """Raise InvalidSettings unless a server is named: Prefect would start one that ends with the command."""
    if PREFECT_API_URL.value() is None:
        raise InvalidSettings(
            "PREFECT_API_URL is not set; set it in the environment or in .env; nothing was deployed"
        )


def _run_prefect(client: SyncPrefectClient, project: Path) -> None:
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"]
    # Prefect imports flows with the working directory first: nobody's own folder `flows` may lie there.
    with TemporaryDirectory(prefix="grasp-deploy-") as empty:
        done = subprocess.run(
            [*command, "--prefect-file", str(project)],
            cwd=empty,
            env={**environment_here(), "PREFECT_API_URL": str(client.api_url), "NO_COLOR": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        said = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        raise OrchestrationRefused(
            f"prefect deploy --all ended with exit code {done.returncode}: {' '.join(said[-3:])}; "
            "some flows may be deployed, run it again"
        )


def _watches(client: SyncPrefectClient) -> dict[str, UUID]:
    of_flow = FlowFilter(name=FlowFilterName(any_=[WATCH]))
    found = {each.name: each.id for each in client.read_deployments(flow_filter=of_flow)}
    return {name: found[name] for name in watches_in(found)}


def _deployed(client: SyncPrefectClient, names: list[str]) -> dict[str, dict[str, Any]]:
    ours = DeploymentFilter(name=DeploymentFilterName(any_=names))
    found = client.read_deployments(deployment_filter=ours)
    return {f"{client.read_flow(each.flow_id).name}/{each.name}": _essence(each) for each in found}


def _essence(deployment: DeploymentResponse) -> dict[str, Any]:
    fields = deployment.model_dump(mode="json", exclude=_MOVING)
    for schedule in fields["schedules"]:
        schedule["schedule"].pop("anchor_date", None)
        for name in _MOVING_SCHEDULE:
            schedule.pop(name)
    return fields


def _change(before: dict[str, Any] | None, after: dict[str, Any]) -> str:
    return "created" if before is None else "unchanged" if before == after else "updated"
