"""A full Prefect server, as deployments say it has to run: with all services, unlike other tests' API."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from deployments.bootstrap import bootstrap
from deployments.environment import server_environment, worker_environment
from deployments.workers import worker_command
from tests.servers.fixtures import free_port, wait_for

ROOT = Path(__file__).parents[2]


class Prefect:
    """A server on this machine, commands against it, and workers."""

    def __init__(self, directory: Path, port: int) -> None:
        self.directory, self.api_url = directory, f"http://127.0.0.1:{port}/api"
        self.environment = {**os.environ, **server_environment(directory), "PREFECT_API_URL": self.api_url}
        command = [sys.executable, "-m", "prefect", "server", "start", "--port", str(port)]
        self._server = self._start("server", command, {})
        wait_for(f"{self.api_url}/health", self._server, within_s=180)

    def run(self, *module: str, cwd: Path) -> str:
        """Run a module against the server; gives what it printed."""
        command = [sys.executable, "-m", *module]
        done = subprocess.run(
            command, cwd=cwd, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def worker(self, pool: str, **more: str) -> subprocess.Popen[bytes]:
        """Start a worker in a session of its own; the caller kills it."""
        return self._start(f"worker-{pool}", worker_command(pool), {**worker_environment(), **more})

    def stop(self) -> None:
        """End the server."""
        os.killpg(self._server.pid, signal.SIGKILL)
        self._server.wait()

    def _start(self, name: str, command: list[str], more: dict[str, str]) -> subprocess.Popen[bytes]:
        with (self.directory / f"{name}.log").open("ab") as log:
            environment = {**self.environment, **more}
            return subprocess.Popen(
                command,
                cwd=self.directory,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory):
    """A Prefect server with all its services, on sqlite."""
    server = Prefect(tmp_path_factory.mktemp("prefect"), free_port())
    yield server
    server.stop()


@pytest.fixture
def deployed(prefect_server, client):
    """All deployments by name, those of test_deploy.py where it was there before; nothing runs them."""
    if not client.read_deployments():
        bootstrap()
        prefect_server.run("prefect", "--no-prompt", "deploy", "--all", cwd=ROOT)
    return found_and_still(client)


def found_and_still(client):
    """Give all deployments by name, as they were found; their schedules are off from now on."""
    found = {each.name: each for each in client.read_deployments()}
    for each in found.values():
        for schedule in each.schedules:
            client.update_deployment_schedule(each.id, schedule.id, active=False)
    return found


@pytest.fixture
def client(prefect_server):
    """A client of that server."""
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with (
        temporary_settings({PREFECT_API_URL: prefect_server.api_url}),
        get_client(sync_client=True) as client,
    ):
        yield client
