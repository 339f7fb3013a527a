"""The environment that Prefect's server and workers need here, with the reason for each variable."""

import os
import sys
from pathlib import Path

from dotenv import dotenv_values

from tasks.credentials.logins import part_logins

SERVER = {
    # In-memory leases leak every held slot for ever when the server restarts; the watch, limit 1, would
    # never run again.
    "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
    # A watch every 30 s makes 2,880 runs a day.
    "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
    "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": str(7 * 24 * 3600),
    # The first start locks sqlite while it phones home.
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    "DO_NOT_TRACK": "1",
}
WORKER = {
    # The zombie automation waits 90 s for the next of these; the default of 180 s would crash every run.
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
    # Without an address Prefect would start a server of its own, where nobody sees a run.
    "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
    # Their lines drown those of a flow run.
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    # MLflow repeats a request for about four minutes by default; the tasks' own retries are quicker to tell.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",
    # What a team trains is nobody else's business.
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "1",
}


def server_environment(home: Path) -> dict[str, str]:
    """Give what a Prefect server needs on top of PATH; home keeps its database and leases."""
    return {**SERVER, "PREFECT_HOME": str(home)}


def worker_environment() -> dict[str, str]:
    """Give what a worker and the flow runs below it need on top of PREFECT_API_URL and the settings.

    PATH begins with this interpreter's directory, so that a job command `python` is this one.
    """
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return {**WORKER, "PATH": path}


def environment_here(dotenv: Path = Path(".env")) -> dict[str, str]:
    """Give this process's environment, completed from a .env file, for a program elsewhere.

    Logins are taken out of addresses, which Prefect and MLflow would write into logs and states.
    """
    written = {name: value for name, value in dotenv_values(dotenv).items() if value is not None}
    environment = {**written, **os.environ}
    part_logins(environment, written={})
    return environment
