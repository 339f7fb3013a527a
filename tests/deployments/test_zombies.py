"""Kill a worker and its flow process, and see Prefect notice."""

import time
from pathlib import Path

import pytest

from deployments.bootstrap import bootstrap
from tasks.orchestration.absorb_runs import ABSORB_FLOW
from tests.servers.fixtures import kill_tree

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(400)]
NAPS = f'''
import time
from prefect import flow

@flow(name="{ABSORB_FLOW}")
def nap(target: str) -> None:
    time.sleep(600)
'''


@pytest.fixture
def running(client, prefect_server, tmp_path: Path):
    """A run of a module-path entrypoint on a process worker that has sent its first heartbeat."""
    bootstrap()
    (tmp_path / "sleepy").mkdir()
    (tmp_path / "sleepy" / "__init__.py").touch()
    (tmp_path / "sleepy" / "flows.py").write_text(NAPS)
    flow_id = client.create_flow_from_name(ABSORB_FLOW)
    deployment = client.create_deployment(
        flow_id, "sleepy", entrypoint="sleepy.flows.nap", work_pool_name="gpu", pull_steps=[]
    )
    flow_run = client.create_flow_run_from_deployment(deployment, parameters={"target": "t"})
    worker = prefect_server.worker("gpu", PYTHONPATH=str(tmp_path), PREFECT_WORKER_QUERY_SECONDS="2")
    try:
        wait_for_state(client, flow_run.id, "RUNNING", within_s=120)
        time.sleep(5)  # the first heartbeat is on its way
        yield flow_run.id, worker
    finally:
        kill_tree(worker)


def wait_for_state(client, flow_run_id, state, *, within_s):
    limit = time.monotonic() + within_s
    while client.read_flow_run(flow_run_id).state.type != state:
        assert time.monotonic() < limit, f"{client.read_flow_run(flow_run_id).state}, not {state}"
        time.sleep(1)


def test_a_run_whose_worker_and_process_were_killed_is_crashed(client, running):
    flow_run_id, worker = running
    kill_tree(worker)
    wait_for_state(client, flow_run_id, "CRASHED", within_s=200)
    assert "its process is gone" in client.read_flow_run(flow_run_id).state.message
