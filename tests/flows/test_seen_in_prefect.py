"""What a person sees of an absorb in Prefect: whose it is, how far it is, what was decided."""

import json
import time

import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas import filters
from prefect.client.schemas.objects import TaskRun

from flows.absorb import absorb
from tests.flows.conftest import World

pytestmark = pytest.mark.integration


def recorded(client: SyncPrefectClient, of_target: filters.FlowRunFilter, *, last: str) -> list[TaskRun]:
    """Read the task runs, which Prefect writes down after their events, somewhat later."""
    deadline = time.monotonic() + 120
    while True:
        tasks = client.read_task_runs(flow_run_filter=of_target)
        if last in {task.name for task in tasks} or time.monotonic() > deadline:
            return tasks
        time.sleep(0.2)


@pytest.fixture
def seen(world: World):
    """The flow run of one absorb of a good source and a broken one, its task runs and artifacts."""
    world.publish(1, year=2001)
    manifest = world.manifest(2, 2002)
    world.store.put(manifest.weights.key, b"x" * manifest.weights.size_bytes)
    world.store.create(manifest.key, manifest.model_dump_json(exclude_none=True).encode())
    absorb(world.target.name)
    with get_client(sync_client=True) as client:
        of_target = filters.FlowRunFilter(
            name=filters.FlowRunFilterName(any_=[f"absorb-{world.target.name}"])
        )
        (flow_run,) = client.read_flow_runs(flow_run_filter=of_target)
        tasks = recorded(client, of_target, last=f"show {world.target.name} in MLflow")
        artifacts = client.read_artifacts(flow_run_filter=of_target)
    return flow_run, tasks, artifacts


def test_runs_say_target_source_and_period_and_artifacts_say_progress_and_decision(world: World, seen):
    flow_run, tasks, artifacts = seen
    name = world.target.name
    assert {
        f"fetch digits 2001 r1 for {name}",
        f"absorb digits 2001 r1 into {name}",
        f"decide digits 2001 r1 for {name}",
        f"show {name} in MLflow",
    } <= {task.name for task in tasks}
    (absorbed,) = [task for task in tasks if task.name.startswith("absorb digits 2001")]
    assert {f"target:{name}", "series:digits", "period:2001"} <= set(absorbed.tags)

    (progress,) = [a for a in artifacts if a.type == "progress"]
    assert progress.data == 100
    assert progress.key == f"fine-tune-{name}"
    assert progress.description.startswith("digits 2001 r1: fold 2 of 2")
    decisions = sorted((a for a in artifacts if a.type == "table"), key=lambda a: a.created)
    assert {a.key for a in decisions} == {f"decision-{name}"}
    assert [(row["period"], row["decision"]) for row in json.loads(decisions[0].data)] == [
        ("2001", "promoted")
    ]
    told = [(row["period"], row["decision"], row["reason"]) for row in json.loads(decisions[1].data)]
    assert told == [("2002", "quarantined", "blob_digest"), ("2001", "promoted", "first")]
    assert decisions[1].description.startswith("**digits 2002 r1**: **quarantined** (blob_digest)")
    assert flow_run.state.message == "1 promoted, 1 quarantined; none left that is ready"
