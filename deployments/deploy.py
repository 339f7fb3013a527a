"""Deploy the flows of prefect.yaml, as often as you like and from anywhere: `prefect deploy --all`."""

import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterName
from prefect.client.schemas.responses import DeploymentResponse

from deployments.environment import environment_here
from tasks.errors import OrchestrationRefused
from tasks.orchestration.flow_runs import connected

PROJECT = Path(str(files("deployments") / "prefect.yaml"))  # a clone's prefect.yaml is a link to it
# What moves by itself, or by a deploy that changes nothing.
_CLOCKS = {"created", "updated", "last_polled", "status", "concurrency_limit", "global_concurrency_limit"}


def deploy(project: Path = PROJECT) -> dict[str, str]:
    """Deploy all of a prefect.yaml; give what was done to each deployment.

    Prefect's own command does it, so the result is what a clone gets. Raises OrchestrationRefused with the
    command's last words, OrchestrationUnavailable.
    """
    with connected() as client:
        names = [each["name"] for each in yaml.safe_load(project.read_text())["deployments"]]
        before = _deployed(client, names)
        _run_prefect(client, project)
        after = _deployed(client, names)
    return {f"deployment {name}": _change(before.get(name), found) for name, found in after.items()}


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


def _deployed(client: SyncPrefectClient, names: list[str]) -> dict[str, dict[str, Any]]:
    ours = DeploymentFilter(name=DeploymentFilterName(any_=names))
    found = client.read_deployments(deployment_filter=ours)
    return {f"{client.read_flow(each.flow_id).name}/{each.name}": _essence(each) for each in found}


def _essence(deployment: DeploymentResponse) -> dict[str, Any]:
    fields = deployment.model_dump(mode="json", exclude=_CLOCKS)
    ours = {"id", "created", "updated"}  # of schedules, which are replaced
    fields["schedules"] = [
        {name: value for name, value in schedule.items() if name not in ours}
        for schedule in fields["schedules"]
    ]
    return fields


def _change(before: dict[str, Any] | None, after: dict[str, Any]) -> str:
    return "created" if before is None else "unchanged" if before == after else "updated"
