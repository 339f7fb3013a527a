"""A run whose process is gone is ended, though no automation knows of it; one that beats is not."""

import time
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.states import Completed, Running

from tasks.orchestration.absorb_runs import ABSORB_FLOW, trigger_absorb
from tasks.orchestration.silent_runs import HEARTBEAT, end_silent

pytestmark = pytest.mark.integration
SILENT_S = 6


@pytest.fixture
def client(prefect_api):
    with get_client(sync_client=True) as client:
        yield client


def started(client: SyncPrefectClient, target: str) -> str:
    flow_id = client.create_flow_from_name(ABSORB_FLOW)
    deployment = client.create_deployment(flow_id, ABSORB_FLOW)
    run = client.create_flow_run_from_deployment(deployment, parameters={"target": target}).id
    client.set_flow_run_state(run, Running(), force=True)
    return str(run)


def beat(client: SyncPrefectClient, run: str) -> None:
    event = {
        "id": str(uuid4()),
        "occurred": datetime.now(UTC).isoformat(),
        "event": HEARTBEAT,
        "resource": {"prefect.resource.id": f"prefect.flow-run.{run}"},
    }
    client.request("POST", "/events", json=[event]).raise_for_status()


def test_a_run_without_a_heartbeat_is_ended_and_holds_its_target_no_longer(client):
    target = f"digits-{uuid4().hex[:8]}"
    dead, alive = started(client, target), started(client, f"{target}-2")
    assert trigger_absorb(target, ready=[]) is None
    limit, ended = time.monotonic() + 120, set[str]()
    while dead not in ended:
        assert time.monotonic() < limit
        beat(client, alive)
        time.sleep(1)
        ended.update(end_silent(silent_s=SILENT_S))
    assert alive not in ended
    assert client.read_flow_run(dead).state.is_crashed()
    assert client.read_flow_run(alive).state.is_running()
    assert trigger_absorb(target, ready=[]) is not None
    client.set_flow_run_state(alive, Completed(), force=True)
