"""The environment of a one-machine stack: what is written into .env, and what its processes get on top."""

import os
from collections.abc import Mapping

from deployments.environment import server_environment, worker_environment
from deployments.machine.layout import BUCKET, NAMED, Layout, Server
from deployments.ports import HOST
from tasks.credentials.logins import part_logins
from tasks.errors import InvalidSettings

LOCAL = f"{HOST},localhost"
# For a person's own scripts, which read .env; our commands say it themselves.
QUIET = {"MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false", "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true"}


def settings(layout: Layout, servers: tuple[Server, ...]) -> dict[str, str]:
    """Give what .env needs so that every command finds the servers that are ours."""
    found = {"GRASP_CACHE_DIR": str(layout.data / "cache"), **QUIET}
    if "s3" in servers:
        found |= {
            "GRASP_BUCKET": BUCKET,
            "AWS_ENDPOINT_URL_S3": layout.address("s3"),
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": layout.access_key,
            "AWS_SECRET_ACCESS_KEY": layout.secret_key,
        }
    if "mlflow" in servers:
        found["MLFLOW_TRACKING_URI"] = layout.address("mlflow")
    if "prefect" in servers:
        found["PREFECT_API_URL"] = f"{layout.address('prefect')}/api"
    return found


def need_no_others(wanted: Mapping[str, str], environment: Mapping[str, str]) -> None:
    """Raise InvalidSettings when the shell's own variables would stand before what .env says."""
    names = (*NAMED.values(), "AWS_ENDPOINT_URL_S3", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    others = [
        name for name in names if name in wanted and environment.get(name, wanted[name]) != wanted[name]
    ]
    if others:
        raise InvalidSettings(
            f"{', '.join(others)}: set in this shell to something else than the stack's, and would stand "
            "before .env; unset them, or write them into .env to use your own server; nothing was started"
        )


def whole(written: Mapping[str, str]) -> dict[str, str]:
    """Give the environment of our processes: this one, with what .env says.

    This machine's servers are asked without a proxy.
    """
    environment = {**os.environ, **written, **worker_environment()}
    for name in ("NO_PROXY", "no_proxy"):
        environment[name] = ",".join(filter(None, (os.environ.get(name), LOCAL)))
    part_logins(environment, written={})
    return {**environment, "PYTHONUNBUFFERED": "1", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}


def prefect_server(layout: Layout, written: Mapping[str, str]) -> dict[str, str]:
    """Give the Prefect server's environment; a server with the address of one would be its client."""
    environment = whole(written) | server_environment(layout.data / "prefect")
    return {name: value for name, value in environment.items() if name != "PREFECT_API_URL"}


def worker(layout: Layout, written: Mapping[str, str], pool: str) -> dict[str, str]:
    """Give a worker's environment; it says at its port whether it is well."""
    own = {
        "PREFECT_HOME": str(layout.data / "cache" / "prefect"),
        "PREFECT_WORKER_QUERY_SECONDS": "5",
        "PREFECT_WORKER_WEBSERVER_HOST": HOST,
        "PREFECT_WORKER_WEBSERVER_PORT": str(getattr(layout.ports, f"worker_{pool}")),
    }
    return whole(written) | own
