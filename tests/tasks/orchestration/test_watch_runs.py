"""Watches that say nothing any more are cleared away; what a person may want to read stays."""

from datetime import timedelta

import pytest
from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound
from prefect.states import Cancelled, Completed, Failed, Running

from tasks.orchestration import watch_runs
from tasks.orchestration.absorb_runs import ABSORB_FLOW, WATCH_FLOW
from tasks.orchestration.watch_runs import clear_watches

pytestmark = pytest.mark.integration


def test_cancelled_and_old_watches_go_and_all_others_stay(prefect_api, monkeypatch: pytest.MonkeyPatch):
    with get_client(sync_client=True) as client:

        def run(flow: str, state) -> str:
            flow_id = client.create_flow_from_name(flow)
            deployment = client.create_deployment(flow_id, flow)
            made = client.create_flow_run_from_deployment(deployment)
            client.set_flow_run_state(made.id, Running(), force=True)
            client.set_flow_run_state(made.id, state, force=True)
            return str(made.id)

        def there(*runs: str) -> list[bool]:
            found = []
            for each in runs:
                try:
                    client.read_flow_run(each)
                    found.append(True)
                except ObjectNotFound:
                    found.append(False)
            return found

        grey, fresh, failed = (run(WATCH_FLOW, state) for state in (Cancelled(), Completed(), Failed()))
        absorb = run(ABSORB_FLOW, Cancelled())

        assert clear_watches() >= 1
        assert there(grey, fresh, failed, absorb) == [False, True, True, True]

        monkeypatch.setattr(watch_runs, "KEPT", timedelta(hours=-1))  # as if ten minutes had gone by
        clear_watches()
        assert there(fresh, failed, absorb) == [False, True, True]
