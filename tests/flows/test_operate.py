"""What a person does by hand: a journal entry first, then the aliases; refused when it makes no sense."""

import shutil

import pytest
from mlflow import MlflowClient

from flows.absorb import absorb
from tasks.contracts.target import GateSettings
from tasks.errors import NotThere, OperationRefused
from tasks.operate import pause, promote, resume, roll_back
from tasks.registry import aliases
from tasks.work import Work, open_work
from tests.flows.conftest import World

pytestmark = pytest.mark.integration


@pytest.fixture
def client(mlflow_server) -> MlflowClient:
    return MlflowClient(tracking_uri=mlflow_server.uri, registry_uri=mlflow_server.uri)


@pytest.fixture
def two_versions(world: World) -> Work:
    world.publish(1, year=2001)
    world.publish(4, year=2004)
    absorb(world.target.name)
    assert [entry.decision for entry in world.decided()] == ["promoted", "promoted"]
    return open_work(world.target.name, by="test")


def test_a_rollback_moves_the_alias_and_later_arrivals_build_on_it(
    world: World, two_versions: Work, client: MlflowClient
):
    roll_back(two_versions, None, reason="worse at night")

    assert aliases(client, world.target.name) == {"champion": 1, "previous": 2}
    world.publish(3, year=2005)
    absorb(world.target.name)
    assert world.decided()[-1].parent_version == 1


def test_a_rollback_to_a_version_whose_bytes_are_gone_is_refused(
    world: World, two_versions: Work, client: MlflowClient, mlflow_server
):
    source = client.get_model_version(world.target.name, "1").source
    model_id = source.rpartition("/")[2]
    gone = next(path for path in mlflow_server.artifacts.rglob(model_id) if path.is_dir())
    shutil.rmtree(gone)

    with pytest.raises(NotThere):
        roll_back(two_versions, 1, reason="worse at night")

    assert aliases(client, world.target.name)["champion"] == 2


def test_the_champion_is_not_rolled_back_to_itself(two_versions: Work):
    with pytest.raises(OperationRefused):
        roll_back(two_versions, 2, reason="no reason")


def test_a_manual_gate_waits_for_promote(world: World, client: MlflowClient):
    world.publish(1, year=2001)
    absorb(world.target.name)
    world.replace_target(gate=GateSettings(policy="manual"))
    world.publish(4, year=2004)
    absorb(world.target.name)
    assert [(e.decision, e.reason_code) for e in world.decided()][-1] == ("parked", "manual")
    assert aliases(client, world.target.name)["champion"] == 1

    promote(open_work(world.target.name, by="test"), 2, reason="looked at it")

    assert aliases(client, world.target.name) == {"champion": 2, "previous": 1}
    arrival = world.decided()[-1].arrival_id
    assert world.journal.state().closed[arrival].decision == "promoted"


def test_pause_and_resume_are_journal_entries(world: World):
    assert pause(world.journal, reason="new labels")
    world.publish(1, year=2001)
    absorb(world.target.name)
    assert world.decided() == []

    assert resume(world.journal, reason="labels are there")
    absorb(world.target.name)

    assert [entry.decision for entry in world.decided()] == ["promoted"]
