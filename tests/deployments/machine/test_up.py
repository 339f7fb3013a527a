"""`grasp up` with everything real: what is killed comes back, and `grasp down` ends even what is deaf."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from deployments.machine.layout import Ports, keep, make_layout
from deployments.marks import marked
from deployments.supervision.state import Status, status_of, supervisor_of
from tests.servers.fixtures import free_port

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]
PARTS = {"s3", "mlflow", "prefect", "worker-cpu", "worker-gpu"}


def grasp(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "MLFLOW_"))}
    command = [sys.executable, "-c", "from flows.cli.app import main; main()", *arguments]
    return subprocess.run(
        command,
        cwd=cwd,
        env=own | {"PYTHONPATH": str(Path(__file__).parents[3])} | environment,
        capture_output=True,
        text=True,
    )


@pytest.fixture
def here(tmp_path: Path):
    """A directory whose stack is down when the test is over; on ports that no other test's stack chooses."""
    ports = Ports(**{name: free_port() for name in Ports.model_fields})
    layout = make_layout(tmp_path).model_copy(update={"ports": ports})
    keep(layout)
    yield layout
    grasp("down", cwd=tmp_path)
    assert not list(marked(layout.mark))


def until(holds, *, within_s: float = 240) -> None:
    limit = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < limit, "waited too long"
        time.sleep(0.2)


def test_what_is_killed_comes_back_and_down_ends_even_what_is_deaf(here):
    done = grasp("up", cwd=here.directory)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"MLflow   {here.address('mlflow')}" in done.stdout
    assert grasp("probe", cwd=here.directory).returncode == 0

    def status() -> Status:
        return status_of(here.data)

    for name in PARTS:
        os.kill(status().units[name].pid, signal.SIGKILL)
    until(lambda: status().up and all(status().units[name].starts == 2 for name in PARTS))
    shown = grasp("up", "--status", cwd=here.directory).stdout
    assert "worker-gpu  ready" in shown
    assert "started 2 times" in shown

    deaf = psutil.Process(status().units["worker-gpu"].pid)
    for process in [deaf, *deaf.children(recursive=True)]:
        process.suspend()
    supervisor = supervisor_of(here.data)
    assert "stopped; data are kept" in grasp("down", cwd=here.directory).stdout
    assert not supervisor.is_running()
    assert not list(marked(here.mark))
    assert "worker-gpu: had not ended" in (here.data / "logs" / "supervisor.log").read_text()


def test_a_stack_with_a_wrong_setting_is_ended_and_says_which(here):
    (here.directory / ".env").write_text(
        "GRASP_BUCKET=No_Bucket\nMLFLOW_TRACKING_URI=http://127.0.0.1:1\n"
        "PREFECT_API_URL=http://127.0.0.1:1/api\n"
    )
    done = grasp("up", cwd=here.directory)
    assert done.returncode == 1
    assert "the stack did not come up; nothing runs any more" in done.stderr
    assert "GRASP_BUCKET" in done.stderr
