"""What tends the runs ends those that died before they began, such as a watch that holds the only slot."""

import pytest
from prefect.client.orchestration import get_client
from prefect.states import Completed, Pending, Running

from flows.tend import tend
from tasks.orchestration.absorb_runs import WATCH_FLOW

pytestmark = pytest.mark.integration


def test_a_watch_that_never_began_is_ended_and_one_at_work_is_not(store, prefect_api, monkeypatch):
    monkeypatch.setenv("GRASP_UNBEGUN_LIMIT_S", "0.001")
    with get_client(sync_client=True) as client:
        deployment = client.create_deployment(client.create_flow_from_name(WATCH_FLOW), WATCH_FLOW)
        dead, alive = (client.create_flow_run_from_deployment(deployment).id for _ in range(2))
        client.set_flow_run_state(dead, Pending(), force=True)
        client.set_flow_run_state(alive, Running(), force=True)

        tend()

        assert client.read_flow_run(dead).state.is_crashed()
        assert client.read_flow_run(alive).state.is_running()
        client.set_flow_run_state(alive, Completed(), force=True)
