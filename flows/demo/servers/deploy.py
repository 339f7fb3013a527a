"""Deploy prefect.yaml to the demo's server, with a faster watch."""

import sys
from pathlib import Path

import yaml

from deployments.deploy import PROJECT
from flows.demo.servers.processes import Children

WATCH_INTERVAL_S = 10
PATIENCE_S = 300.0  # for a command on a very busy machine


def bootstrap(children: Children, directory: Path) -> None:
    """Create pools, queues, limits and automations on the demo's server. Raises DemoFailed."""
    command = [sys.executable, "-m", "deployments.bootstrap"]
    children.run("bootstrap", command, cwd=directory / "bootstrap", timeout_s=PATIENCE_S)


def deploy(children: Children, directory: Path) -> None:
    """Deploy watch and absorb as prefect.yaml says, but for the demo's haste.

    Raises DemoFailed.
    """
    here = directory / "deploy"
    here.mkdir()
    (here / "prefect.yaml").write_text(hasty(PROJECT.read_text()))
    deploying = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"]
    children.run("deploy", deploying, cwd=here, timeout_s=PATIENCE_S)


def hasty(document: str) -> str:
    """Shorten the watch's interval in a prefect.yaml."""
    project = yaml.safe_load(document)
    for deployment in project["deployments"]:
        for schedule in deployment.get("schedules", []) if deployment["name"] == "watch" else []:
            schedule["interval"] = WATCH_INTERVAL_S
    return str(yaml.safe_dump(project, sort_keys=False))
