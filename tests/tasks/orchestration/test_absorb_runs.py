import re
from uuid import uuid4

import pytest
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings
from prefect.states import Completed, Crashed, Pending, Running

from tasks.errors import OrchestrationRefused, OrchestrationUnavailable, TransientError
from tasks.orchestration.absorb_runs import (
    ABSORB_DEPLOYMENT,
    ABSORB_FLOW,
    current_flow_run,
    end_stale_pending,
    older_living_run,
    trigger_absorb,
)

pytestmark = pytest.mark.integration
READY = ["b" * 64, "a" * 64]


@pytest.fixture(scope="module")
def client(prefect_api):
    with get_client(sync_client=True) as client:
        yield client


@pytest.fixture(scope="module")
def deployment(client):
    flow_id = client.create_flow_from_name(ABSORB_FLOW)
    return client.create_deployment(flow_id, ABSORB_DEPLOYMENT.split("/")[1])


@pytest.fixture
def target():
    return f"digits-{uuid4().hex[:8]}"


def set_state(client, flow_run_id, state):
    return client.set_flow_run_state(flow_run_id, state, force=True)


def by_hand(client, deployment, target):
    return str(client.create_flow_run_from_deployment(deployment, parameters={"target": target}).id)


def test_a_trigger_starts_one_tagged_run_of_its_target(client, deployment, target):
    started = client.read_flow_run(trigger_absorb(target, ready=READY))
    assert started.deployment_id == deployment
    assert started.parameters == {"target": target}
    assert started.tags == [f"target:{target}"]


@pytest.mark.parametrize("state", [None, Pending(), Running()])
def test_no_run_is_started_while_one_has_not_ended(client, deployment, target, state):
    first = trigger_absorb(target, ready=READY)
    if state:
        set_state(client, first, state)
    assert trigger_absorb(target, ready=[*READY, "c" * 64]) is None
    assert trigger_absorb(f"{target}-2", ready=READY) is not None


def test_a_run_that_a_person_started_counts_as_living(client, deployment, target):
    by_hand(client, deployment, target)
    assert trigger_absorb(target, ready=READY) is None


@pytest.mark.parametrize("end", [Completed(), Crashed()])
def test_an_ended_run_is_followed_by_a_new_one_for_the_same_arrivals(client, deployment, target, end):
    first = trigger_absorb(target, ready=READY)
    set_state(client, first, end)
    assert trigger_absorb(target, ready=READY) not in (None, first)


def test_triggers_with_one_view_of_the_world_share_a_key(client, deployment, target):
    first = client.read_flow_run(trigger_absorb(target, ready=READY))
    again = client.create_flow_run_from_deployment(deployment, idempotency_key=first.idempotency_key)
    assert again.id == first.id
    client.delete_flow_run(first.id)
    second = client.read_flow_run(trigger_absorb(target, ready=sorted(READY)))
    assert second.idempotency_key == first.idempotency_key


def test_a_run_is_started_although_the_vacuum_made_its_key_name_an_ended_one(client, deployment, target):
    oldest = trigger_absorb(target, ready=READY)
    set_state(client, oldest, Completed())
    newest = trigger_absorb(target, ready=READY)
    set_state(client, newest, Completed())
    client.delete_flow_run(oldest)  # as the vacuum does: one ended run again, and its key is taken
    third = trigger_absorb(target, ready=READY)
    assert third not in (None, newest)
    assert not client.read_flow_run(third).state.is_final()


def test_the_run_that_started_first_leads_whichever_was_created_first(client, deployment, target):
    created_first, started_first = (by_hand(client, deployment, target) for _ in range(2))
    set_state(client, started_first, Running())
    set_state(client, created_first, Running())
    leads = older_living_run(target, flow_run_id=created_first)
    assert leads is not None
    assert leads.id == started_first
    assert re.fullmatch(
        rf"flow run {leads.name}, at work since 20\d\d-\d\d-\d\d \d\d:\d\d UTC "
        rf"\(http://\S+/runs/flow-run/{started_first}\)",
        leads.words,
    )
    assert older_living_run(target, flow_run_id=started_first) is None


def test_a_run_that_waits_or_has_ended_holds_nobody(client, deployment, target):
    _waiting, pending, ended, mine = (by_hand(client, deployment, target) for _ in range(4))
    set_state(client, pending, Pending())
    set_state(client, ended, Running())
    set_state(client, ended, Completed())
    set_state(client, mine, Running())
    assert older_living_run(target, flow_run_id=mine) is None


def test_a_run_of_another_target_holds_nobody(client, deployment, target):
    other, mine = by_hand(client, deployment, f"{target}-2"), by_hand(client, deployment, target)
    set_state(client, other, Running())
    set_state(client, mine, Running())
    assert older_living_run(target, flow_run_id=mine) is None


def test_a_run_pending_for_too_long_is_crashed_and_no_longer_blocks(client, deployment, target):
    stuck = trigger_absorb(target, ready=READY)
    set_state(client, stuck, Pending())
    assert stuck not in end_stale_pending(older_than_s=600)
    assert end_stale_pending(target, older_than_s=0) == [stuck]
    assert client.read_flow_run(stuck).state.is_crashed()
    assert trigger_absorb(target, ready=READY) is not None


def test_a_running_run_is_never_ended_as_stale(client, deployment, target):
    running = trigger_absorb(target, ready=READY)
    set_state(client, running, Running())
    assert end_stale_pending(target, older_than_s=0) == []


def test_an_absorb_that_is_not_deployed_is_refused_with_what_to_do(client, deployment, target, monkeypatch):
    monkeypatch.setattr("tasks.orchestration.absorb_runs.ABSORB_DEPLOYMENT", "absorb/elsewhere")
    with pytest.raises(OrchestrationRefused, match="prefect --no-prompt deploy --all"):
        trigger_absorb(target, ready=READY)


def test_an_unreachable_server_is_a_transient_error():
    unreachable = {PREFECT_API_URL: "http://127.0.0.1:9/api", PREFECT_CLIENT_MAX_RETRIES: 0}
    with temporary_settings(unreachable):
        for ask in (
            lambda: trigger_absorb("t", ready=READY),
            lambda: older_living_run("t", flow_run_id="x"),
            lambda: end_stale_pending(older_than_s=600),
        ):
            with pytest.raises(OrchestrationUnavailable):
                ask()
    assert issubclass(OrchestrationUnavailable, TransientError)


def test_outside_of_a_flow_run_there_is_no_current_one():
    assert current_flow_run() is None


def test_inside_a_flow_run_its_id_and_name_are_known(prefect_api):
    from prefect import flow

    @flow(flow_run_name="by-hand")
    def ask():
        return current_flow_run()

    found = ask()
    assert found is not None
    assert found.name == "by-hand"
