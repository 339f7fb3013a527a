"""Watches that say nothing any more are cleared away; what a person may want to read stays."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from prefect._internal.schemas.fields import CreatedBy
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.schedules import IntervalSchedule
from prefect.exceptions import ObjectNotFound
from prefect.states import Cancelled, Completed, Failed, Running, Scheduled

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


def test_polls_that_fell_due_while_a_watch_looks_go_and_what_was_asked_for_waits(prefect_api):
    """As a worker leaves them that found the slot of the watch taken, with the strategy ENQUEUE."""
    now = datetime.now(UTC)
    with get_client(sync_client=True) as client:
        flow_id = client.create_flow_from_name(WATCH_FLOW)
        every = DeploymentScheduleCreate(schedule=IntervalSchedule(interval=timedelta(hours=1)))
        deployment = client.create_deployment(flow_id, "polls", schedules=[every])
        asked = client.create_flow_run_from_deployment(deployment)
        for ago in (timedelta(hours=3), timedelta(hours=-5)):
            times = {"start_time": str(now - ago), "end_time": str(now - ago + timedelta(hours=2))}
            client._client.post(f"/deployments/{deployment}/schedule", json=times).raise_for_status()
        polls = [run for run in runs_of(client, deployment) if run.auto_scheduled]
        due = [run for run in polls if run.expected_start_time and run.expected_start_time < now]
        assert 0 < len(due) < len(polls)
        waits = Scheduled(name="AwaitingConcurrencySlot", scheduled_time=now + timedelta(seconds=30))
        client.set_flow_run_state(due[0].id, waits, force=True)

        clear_watches(deployment=str(uuid4()))  # a watch of other targets
        assert {run.id for run in runs_of(client, deployment)} >= {run.id for run in polls}

        clear_watches()

        left = {run.id for run in runs_of(client, deployment)}
        assert not left & {run.id for run in due}
        assert left >= {asked.id, *(run.id for run in polls if run not in due)}
        client.delete_deployment(deployment)


@pytest.mark.parametrize(
    ("maker", "due_s", "goes"),
    [("AUTOMATION", -1, True), ("AUTOMATION", 1, False), ("DEPLOYMENT", -1, False), (None, -1, False)],
)
def test_what_the_receiver_asked_for_before_a_watch_began_has_been_seen_by_it(
    prefect_api, monkeypatch: pytest.MonkeyPatch, maker: str | None, due_s: float, goes: bool
):
    """Prefect's server alone writes who made a run, so the run that it gives is changed here."""
    began = datetime.now(UTC) - timedelta(minutes=1)  # meanwhile more came
    with get_client(sync_client=True) as client:
        flow_id = client.create_flow_from_name(WATCH_FLOW)
        deployment = client.create_deployment(flow_id, f"asked-{maker}")
        run = client.create_flow_run_from_deployment(deployment)
        by = CreatedBy(type=maker, display_value="grasp: watch when the bucket changed") if maker else None
        due = began + timedelta(seconds=due_s)
        waiting = run.model_copy(update={"created_by": by, "expected_start_time": due})
        monkeypatch.setattr(watch_runs, "runs_in", lambda _, states, **__: given(waiting, states))
        clear_watches(deployment=str(deployment), began=began)
        assert (runs_of(client, deployment) == []) is goes
        client.delete_deployment(deployment)


def given(run: FlowRun, states: set[StateType]) -> list[FlowRun]:
    return [run] if StateType.SCHEDULED in states else []


def runs_of(client: SyncPrefectClient, deployment) -> list[FlowRun]:
    named = DeploymentFilter(id=DeploymentFilterId(any_=[deployment]))
    return client.read_flow_runs(deployment_filter=named)
