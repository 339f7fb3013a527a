"""What a person deletes in MLflow stops nothing that can go on without it, and is said, with what helps."""

import json
import shutil

import pytest
from mlflow import MlflowClient
from typer.testing import CliRunner

from flows.absorb import absorb
from flows.backfill import backfill
from flows.cli.app import command_line
from tasks.absorbing.work import Work, open_work
from tasks.contracts.journal import Attempted
from tasks.contracts.rebuild import BackfillRequest
from tasks.contracts.target import AbsorbSettings
from tasks.errors import NotThere
from tasks.operations.operate import roll_back
from tasks.registry.loading import load_model
from tasks.registry.registry import aliases
from tests.flows.conftest import World

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]


@pytest.fixture
def client(mlflow_server) -> MlflowClient:
    return MlflowClient(tracking_uri=mlflow_server.uri, registry_uri=mlflow_server.uri)


@pytest.fixture
def name(world: World) -> str:
    """A target with versions 1 (2001) and 2 (2004), its champion; every source gives a version."""
    world.replace_target(absorb=AbsorbSettings(mode="reference", lr=1e-3, epochs=2, initial_epochs=2))
    world.publish(1, year=2001)
    world.publish(4, year=2004)
    absorb(world.target.name)
    assert world.journal.state().champion == 2
    return world.target.name


def work(name: str) -> Work:
    return open_work(name, by="test")


def grasp(*words: str, exit_code: int = 0) -> str:
    done = CliRunner(env={"COLUMNS": "200"}).invoke(command_line(), list(words))
    assert done.exit_code == exit_code, done.output or done.exception
    return done.output


def model_of(client: MlflowClient, name: str, version: int) -> str:
    return client.get_model_version(name, str(version)).source.rpartition("/")[2]


def wipe(mlflow_server, model_id: str) -> None:
    shutil.rmtree(next(path for path in mlflow_server.artifacts.rglob(model_id) if path.is_dir()))


def attempts(world: World) -> int:
    return sum(isinstance(entry, Attempted) for entry in world.journal.entries())


def absorb_another(world: World, number: int, year: int) -> None:
    world.publish(number, year=year)
    absorb(world.target.name)
    assert world.decided()[-1].source.period.label == str(year)


def test_without_the_champion_before_the_next_source_is_absorbed_and_promoted(
    world: World, client: MlflowClient, name: str
):
    client.delete_model_version(name, "1")
    assert "missing in MLflow: version 1, the champion before, is gone" in grasp("status", name)
    assert "alias previous is left out" in grasp("repair", name)

    absorb_another(world, 3, 2005)

    assert aliases(client, name) == {"champion": 3, "previous": 2}
    assert not json.loads(grasp("status", name, "--json"))["targets"][0]["missing"]
    assert "nothing of" in grasp("repair", name)


def test_a_champion_that_was_deleted_is_built_on_as_long_as_its_bytes_are_left(
    world: World, client: MlflowClient, name: str
):
    client.delete_model_version(name, "2")
    said = grasp("repair", name)
    assert "nobody can load @champion; its bytes are left" in said
    assert f"choose: grasp rollback {name} 1 --reason …; or grasp backfill {name} --from 2004 --apply" in said
    assert "version 2, the champion, is gone" in grasp("status", name)

    absorb_another(world, 3, 2005)

    last = world.decided()[-1]
    assert (last.decision, last.parent_version, last.registry_version) == ("promoted", 2, 3)
    assert aliases(client, name) == {"champion": 3}


def test_a_champion_whose_bytes_are_gone_stops_with_words_and_a_rollback_goes_on(
    world: World, client: MlflowClient, mlflow_server, name: str
):
    model_id = model_of(client, name, 2)
    client.delete_model_version(name, "2")
    wipe(mlflow_server, model_id)
    before = attempts(world)
    world.publish(3, year=2005)

    for _ in range(2):
        with pytest.raises(NotThere, match=f"the bytes of its champion, version 2.*grasp repair {name}"):
            absorb(name)
    assert attempts(world) == before  # the journal does not grow with every watch
    assert "deleted in MLflow with its bytes; nothing is absorbed" in grasp("repair", name)
    roll_back(work(name), 1, reason="version 2 was deleted")

    assert aliases(client, name) == {"champion": 1}
    absorb(name)
    assert world.decided()[-1].parent_version == 1
    assert aliases(client, name) == {"champion": 3, "previous": 1}


def test_a_champion_whose_bytes_are_gone_is_made_again_by_a_backfill(
    world: World, client: MlflowClient, mlflow_server, name: str
):
    model_id = model_of(client, name, 2)
    client.delete_model_version(name, "2")
    wipe(mlflow_server, model_id)

    backfill(name, BackfillRequest(from_period="2004", then="apply"))

    state = world.journal.state()
    assert state.lineage.startswith("backfill-2004-")
    assert aliases(client, name) == {"champion": 3}
    absorb_another(world, 3, 2005)
    assert world.decided()[-1].parent_version == 3


def test_a_backfill_begins_before_a_version_whose_bytes_are_gone(
    world: World, client: MlflowClient, mlflow_server, name: str
):
    absorb_another(world, 3, 2005)
    model_id = model_of(client, name, 2)
    client.delete_model_version(name, "2")
    wipe(mlflow_server, model_id)
    assert "from version 1" in grasp("backfill", name, "--from", "2005")

    backfill(name, BackfillRequest(from_period="2005", then="apply"))

    rebuilt = [entry for entry in world.decided() if entry.lineage == world.journal.state().lineage]
    assert [entry.source.period.label for entry in rebuilt] == ["2004", "2005"]
    assert rebuilt[0].parent_version == 1


def test_a_deleted_experiment_stops_absorbs_only_and_is_restored(
    world: World, client: MlflowClient, name: str
):
    experiment = client.get_experiment_by_name(name).experiment_id
    client.delete_experiment(experiment)
    before = attempts(world)
    world.publish(3, year=2005)

    with pytest.raises(NotThere, match=f"grasp repair {name} --apply"):
        absorb(name)
    assert attempts(world) == before
    assert f"experiment {name} is deleted" in grasp("status", name)
    roll_back(work(name), 1, reason="it works without an experiment")
    assert aliases(client, name) == {"champion": 1, "previous": 2}

    assert "nothing was changed; say --apply" in grasp("repair", name)
    assert client.get_experiment(experiment).lifecycle_stage == "deleted"
    assert grasp("repair", name, "--apply").endswith("done\n")
    absorb(name)
    assert world.decided()[-1].parent_version == 1


@pytest.mark.parametrize("lost", [(), (1,)], ids=["with all bytes", "without those of version 1"])
def test_a_deleted_registered_model_is_made_again_with_the_numbers_of_the_journal(
    world: World, client: MlflowClient, mlflow_server, name: str, lost: tuple[int, ...]
):
    for version in lost:
        wipe(mlflow_server, model_of(client, name, version))
    client.delete_registered_model(name)
    world.publish(3, year=2005)
    before = attempts(world)

    said = grasp("repair", name)
    assert f"registered model {name} was deleted" in said
    with pytest.raises(NotThere):  # saying it changed nothing
        load_model(f"models:/{name}@champion", tracking_uri=mlflow_server.uri)
    assert grasp("repair", name, "--apply").endswith("done\n")

    assert load_model(f"models:/{name}@champion", tracking_uri=mlflow_server.uri)
    there = {int(each.version): each.tags for each in client.search_model_versions(f"name = '{name}'")}
    assert set(there) == {1, 2} - set(lost)
    assert (there[2]["decision"], there[2]["period"], there[2]["lineage"]) == ("promoted", "2004", "main")
    assert aliases(client, name) == {"champion": 2} | ({} if lost else {"previous": 1})
    assert attempts(world) == before
    absorb(name)
    assert (world.decided()[-1].parent_version, world.decided()[-1].registry_version) == (2, 3)


def test_deleted_runs_stop_nothing(world: World, client: MlflowClient, name: str):
    experiment = client.get_experiment_by_name(name).experiment_id
    for run in client.search_runs([experiment]):
        client.delete_run(run.info.run_id)

    absorb_another(world, 3, 2005)

    assert aliases(client, name) == {"champion": 3, "previous": 2}
    roll_back(work(name), None, reason="worse at night")
    assert aliases(client, name) == {"champion": 2, "previous": 3}


def test_a_deleted_registered_model_spends_no_attempt(world: World, client: MlflowClient, name: str):
    client.delete_registered_model(name)
    before = attempts(world)
    world.publish(3, year=2005)
    with pytest.raises(NotThere, match=f"registered model {name}: was deleted.*grasp repair {name}"):
        absorb(name)
    assert attempts(world) == before


def test_a_new_model_of_a_deleted_ones_name_is_not_mixed_with_the_journal(
    world: World, client: MlflowClient, name: str
):
    client.delete_registered_model(name)
    client.create_registered_model(name)
    world.publish(3, year=2005)
    before = attempts(world)
    with pytest.raises(NotThere, match="is another than the journal's"):
        absorb(name)
    assert attempts(world) == before
    assert "nothing can be brought back here" in grasp("repair", name)

    client.rename_registered_model(name, f"{name}-by-hand")
    grasp("repair", name, "--apply")
    absorb(name)
    assert world.decided()[-1].registry_version == 3
