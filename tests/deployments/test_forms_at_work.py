"""What a form asks for is done by a worker of the cpu pool, and the run says what came of it."""

import time
from collections.abc import Callable

import pytest
from prefect.client.schemas.filters import LogFilter, LogFilterFlowRunId

from tasks.bucket.store import Store
from tasks.contracts import keys
from tasks.contracts.base import Architecture, InputSpec
from tasks.contracts.target import Target
from tests.deployments.forms import ASKED
from tests.servers.fixtures import kill_tree

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]
TARGET = Target(
    name="digits-now",
    series=("digits",),
    architecture=Architecture(id="grasp/digits-cnn", in_channels=1, num_classes=2),
    classes=("0", "1"),
    input=InputSpec(height=8, width=8, channels=1, mean=(0.5,), std=(0.5,)),
    dataset=f"datasets/digits/{'0' * 64}/dataset.json",
)


@pytest.fixture
def worker(prefect_server, moto, store: Store):
    """A worker as people start it, that knows the bucket."""
    bucket = {"GRASP_BUCKET": store.bucket, "AWS_ENDPOINT_URL_S3": moto.endpoint_url}
    login = {"AWS_ACCESS_KEY_ID": moto.access_key_id, "AWS_SECRET_ACCESS_KEY": moto.secret_access_key}
    started = prefect_server.worker("cpu", **bucket, **login, PREFECT_WORKER_QUERY_SECONDS="1")
    yield started
    kill_tree(started)


def test_a_change_asked_for_by_the_form_is_explained_by_a_worker_and_nothing_is_changed(
    deployed, client, store: Store, worker
):
    document = TARGET.model_dump_json(by_alias=True, exclude_none=True).encode()
    store.put(keys.target_key(TARGET.name), document)
    asked = client.create_flow_run_from_deployment(deployed["target-set"].id, parameters=ASKED["target-set"])
    until(lambda: client.read_flow_run(asked.id).state.is_final())
    state = client.read_flow_run(asked.id).state

    assert (state.type, state.message) == (
        "COMPLETED",
        f"would change epochs {TARGET.absorb.epochs} -> 12; the log says what that means; "
        "nothing was changed",
    )
    of_run = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[asked.id]))
    until(lambda: any("what changes and what it means" in line.message for line in client.read_logs(of_run)))
    assert store.get(keys.target_key(TARGET.name)).body == document


def until(done: Callable[[], bool]) -> None:
    limit = time.monotonic() + 240
    while not done():
        assert time.monotonic() < limit
        time.sleep(0.2)
