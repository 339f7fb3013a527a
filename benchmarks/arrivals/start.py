"""What one scheduled watch costs in all: the process that a worker starts for its flow run, run for real."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.arrivals.world import BUCKET

ROOT = Path(__file__).parents[2]
EVERY_S = 30


class Cost(NamedTuple):
    """CPU seconds of a process and of what it started, and its peak memory."""

    cpu_s: float
    peak_bytes: int

    @property
    def share_of_a_core(self) -> float:
        """Give the part of one core that one such process every 30 s takes."""
        return self.cpu_s / EVERY_S


def environment(endpoint: str, api: str) -> dict[str, str]:
    """Give the variables of a worker."""
    return os.environ | {
        "PREFECT_API_URL": api,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "GRASP_BUCKET": BUCKET,
        "GRASP_FULL_LIST_LIMIT": "0",  # look at the notices, as with more than 10,000 manifests
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "MLFLOW_TRACKING_URI": "http://127.0.0.1:9",  # never asked
    }


@contextmanager
def prefect_server(port: int) -> Iterator[str]:
    """Run a Prefect server of its own with the watch deployed; gives its API."""
    home, api = tempfile.mkdtemp(), f"http://127.0.0.1:{port}/api"
    env = environment("http://127.0.0.1:9", api) | {"PREFECT_HOME": home}
    prefect = [sys.executable, "-m", "prefect"]
    quiet: dict[str, Any] = {
        "env": env,
        "stdout": subprocess.DEVNULL,
        "stderr": subprocess.DEVNULL,
        "cwd": ROOT,
    }
    server = subprocess.Popen([*prefect, "server", "start", "--port", str(port)], **quiet)
    try:
        wait_for(f"{api}/health")
        subprocess.run([sys.executable, "-m", "deployments.bootstrap"], check=True, **quiet)
        subprocess.run([*prefect, "--no-prompt", "deploy", "--name", "watch"], check=True, **quiet)
        yield api
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(home, ignore_errors=True)


def watch_once(endpoint: str, api: str) -> Cost:
    """Run one flow run of the watch in the process that a worker would start, and tell what it cost."""
    env = environment(endpoint, api)
    made = subprocess.run(
        [sys.executable, "-c", MAKE], env=env, check=True, capture_output=True, text=True, cwd=ROOT
    )
    flow_run = made.stdout.split()[-1]
    process = subprocess.Popen(
        [sys.executable, "-m", "prefect.engine"],
        env=env | {"PREFECT__FLOW_RUN_ID": flow_run},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    )
    said = process.stderr.read().decode() if process.stderr else ""
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0 or "Completed" not in said:
        raise RuntimeError(f"the watch did not complete:\n{said}")
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


MAKE = """
from prefect.client.orchestration import get_client
from prefect.states import Pending
with get_client(sync_client=True) as client:
    deployment = client.read_deployment_by_name("watch/watch")
    run = client.create_flow_run_from_deployment(deployment.id, state=Pending())
    print(run.id)
"""


def wait_for(url: str, *, within_s: float = 120) -> None:
    """Wait until a server answers."""
    deadline = time.monotonic() + within_s
    while True:
        try:
            urllib.request.urlopen(url, timeout=5)
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
