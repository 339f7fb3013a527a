"""What the stack's Prefect server needs from us: pools, automations, deployments."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from deployments.bootstrap import bootstrap
from deployments.deploy import PROJECT
from deployments.deploy import deploy as deploy_all
from deployments.stack.layout import Layout


def deploy(_layout: Layout) -> None:
    """Bootstrap and deploy, as `grasp deploy` does."""
    bootstrap()
    with TemporaryDirectory(prefix="grasp-stack-") as directory:
        project = Path(directory) / "prefect.yaml"
        project.write_text(direct(PROJECT.read_text()))
        deploy_all(project)


def direct(document: str) -> str:
    """Let flow runs start with one import of Prefect: without a command it is imported once more, to look for
    code to fetch. Workers of this machine have this interpreter.
    """
    project = yaml.safe_load(document)
    for deployment in project["deployments"]:
        variables = deployment["work_pool"].get("job_variables", {})
        command = f"{sys.executable} -m prefect.engine"
        deployment["work_pool"]["job_variables"] = {**variables, "command": command}
    return str(yaml.safe_dump(project, sort_keys=False))
