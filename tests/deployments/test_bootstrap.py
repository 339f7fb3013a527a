import pytest
from prefect.client.schemas.actions import WorkPoolUpdate
from prefect.workers.process import ProcessWorker

from deployments.automations import zombie_automations
from deployments.bootstrap import bootstrap

pytestmark = pytest.mark.integration
ZOMBIES = [automation.name for automation in zombie_automations()]


def everything(client):
    """All that bootstrap makes, by id, without clocks."""
    pools = {pool.id: (pool.name, pool.type, pool.concurrency_limit) for pool in client.read_work_pools()}
    queues = {
        queue.id: (pool, queue.name, queue.priority)
        for pool in ("cpu", "gpu")
        for queue in client.read_work_queues(work_pool_name=pool)
    }
    automations = {each.id: (each.name, each.enabled) for each in client.read_automations()}
    return pools, queues, automations


@pytest.fixture
def bootstrapped(client):
    return bootstrap()


def test_a_second_bootstrap_changes_nothing(client, bootstrapped):
    before = everything(client)
    assert set(bootstrap().values()) == {"unchanged"}
    assert everything(client) == before


def test_pools_queues_and_limits_are_those_that_deployments_need(client, bootstrapped):
    pools, queues, automations = everything(client)
    assert ("cpu", "process", None) in pools.values()
    assert ("gpu", "process", 1) in pools.values()
    assert ("cpu", "watch", 1) in queues.values()
    assert ("cpu", "by-hand", 2) in queues.values()
    assert ("gpu", "absorb", 1) in queues.values()
    assert ("gpu", "backfill", 2) in queues.values()
    assert sorted(automations.values()) == sorted((name, True) for name in ZOMBIES)


def test_a_limit_is_changed_when_asked_and_otherwise_stays_the_operators(client, bootstrapped):
    assert bootstrap(gpu_limit=3)["work pool gpu"] == "updated"
    assert bootstrap()["work pool gpu"] == "unchanged"
    assert client.read_work_pool("gpu").concurrency_limit == 3
    bootstrap(gpu_limit=1)


def test_flow_runs_are_started_in_one_process_unless_an_operator_wants_another(client, bootstrapped):
    def command() -> str | None:
        properties = client.read_work_pool("cpu").base_job_template["variables"]["properties"]
        return properties["command"].get("default")

    assert command() == "python -m prefect.engine"
    by_prefect = ProcessWorker.get_default_base_job_template()
    client.update_work_pool("cpu", WorkPoolUpdate(base_job_template=by_prefect))
    assert bootstrap()["work pool cpu"] == "updated"  # as an earlier version left it
    assert command() == "python -m prefect.engine"

    by_operator = ProcessWorker.get_default_base_job_template()
    by_operator["variables"]["properties"]["command"]["default"] = "nice python -m prefect.engine"
    client.update_work_pool("cpu", WorkPoolUpdate(base_job_template=by_operator))
    assert bootstrap()["work pool cpu"] == "unchanged"
    assert command() == "nice python -m prefect.engine"
    client.update_work_pool("cpu", WorkPoolUpdate(base_job_template=by_prefect))
    bootstrap()


def test_an_automation_that_somebody_changed_or_doubled_is_put_right(client, bootstrapped):
    wanted = zombie_automations()[0]
    first = client.read_automations_by_name(wanted.name)[0]
    client.update_automation(first.id, wanted.model_copy(update={"description": "changed"}))
    client.create_automation(wanted)
    bootstrap()
    found = client.read_automations_by_name(wanted.name)
    assert [each.description for each in found] == [wanted.description]


def test_the_command_line_says_what_it_did(prefect_server, bootstrapped, tmp_path):
    printed = prefect_server.run("deployments.bootstrap", cwd=tmp_path)
    assert "work pool gpu: unchanged" in printed
