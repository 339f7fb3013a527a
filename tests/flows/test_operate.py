"""What a person does by hand: a journal entry first, then the aliases; refused when it makes no sense."""

import multiprocessing
import shutil

import pytest
from mlflow import MlflowClient

from flows import absorb_units
from flows.absorb import absorb
from flows.promote import promote
from flows.rollback import rollback
from tasks.absorbing import settle
from tasks.absorbing.work import Work, open_work
from tasks.contracts.target import GateSettings
from tasks.errors import NotThere, OperationRefused
from tasks.journal.projection import is_behind
from tasks.lineages.retract import withdraw
from tasks.operations.operate import promote as promote_version
from tasks.operations.operate import roll_back
from tasks.operations.pause import pause, resume
from tasks.registry.registry import aliases
from tasks.registry.tags import SET_ASIDE
from tasks.tracking.experiments import experiment_of, runs_of
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


def test_a_form_moves_the_champion_and_what_it_did_is_seen(
    world: World, two_versions: Work, client: MlflowClient
):
    name = world.target.name

    back = rollback(name, "worse at night", return_state=True)
    on = promote(name, 2, "it was the camera", return_state=True)

    assert back.message == f"champion of {name} is version 1 again; version 2 is previous"
    assert on.message == f"champion of {name} is version 2, previous is 1"
    newest = list(world.journal.entries())[-2:]
    assert [(entry.kind, entry.reason, entry.by.split()[0]) for entry in newest] == [
        ("rolled_back", "worse at night", "rollback"),
        ("promoted", "it was the camera", "promote"),
    ]

    (model,) = client.search_registered_models(f"name = '{name}'")
    assert "| to version 1 | rolled back | 1 | - | - | - | worse at night |" in model.description
    assert "| to version 2 | promoted by hand | 2 | - | - | - | it was the camera |" in model.description
    (lineage,) = runs_of(client, experiment_of(client, name), "tags.kind = 'lineage'")
    assert "lineage.png" in [file.path for file in client.list_artifacts(lineage.info.run_id)]


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


def test_a_pause_holds_even_in_the_middle_of_a_run(world: World, monkeypatch: pytest.MonkeyPatch):
    for number in (1, 2, 3):
        world.publish(number, year=2000 + number)
    shown = absorb_units.show_decisions

    def then_pause(*args, **kwargs):
        shown(*args, **kwargs)
        pause(world.journal, reason="new labels")

    monkeypatch.setattr(absorb_units, "show_decisions", then_pause)
    absorb(world.target.name)

    assert len(world.decided()) == 1
    assert [entry.kind for entry in world.journal.entries()][-1] == "paused"


def test_a_promotion_by_hand_brings_the_lineage_as_far_as_its_source(world: World):
    world.replace_target(gate=GateSettings(policy="manual"), late="park")
    world.publish(1, year=2001)
    absorb(world.target.name)
    world.publish(4, year=2004)
    absorb(world.target.name)
    (parked,) = [entry for entry in world.decided() if entry.decision == "parked"]
    promote_version(open_work(world.target.name, by="test"), parked.registry_version, reason="looked at it")

    world.publish(3, year=2003)
    absorb(world.target.name)

    assert world.decided()[-1].reason_code == "late"


def test_a_version_whose_arrival_was_retracted_meanwhile_is_set_aside(
    world: World, client: MlflowClient, monkeypatch: pytest.MonkeyPatch
):
    """The run was ended from outside right after it had registered the version."""
    world.publish(1, year=2001)
    absorb(world.target.name)
    arrival = world.publish(4, year=2004).arrival_id

    def ended(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(settle, "verify_stored", ended)
        with pytest.raises(KeyboardInterrupt):
            absorb(world.target.name)
    withdraw(world.journal, arrival, reason="leaked labels")
    absorb(world.target.name)

    versions = client.search_model_versions(f"name = '{world.target.name}'")
    live = {int(v.version) for v in versions if not SET_ASIDE & v.tags.keys()}
    assert (len(versions), live) == (2, {1})


def race(target: str, number: int, start, said) -> None:
    """Promote or roll back, as soon as all others are ready, too; say which error came of it."""
    work = open_work(target, by=f"race-{number}")
    start.wait()
    try:
        (roll_back if number % 2 else promote_version)(work, 1 + number % 2, reason="race")
    except Exception as error:
        said.put(type(error).__name__)
    else:
        said.put("")


def test_sixteen_people_at_once_leave_one_champion_that_the_journal_names(
    world: World, two_versions: Work, client: MlflowClient
):
    context = multiprocessing.get_context("fork")
    start, said = context.Barrier(16), context.Queue()
    racing = [context.Process(target=race, args=(world.target.name, n, start, said)) for n in range(16)]
    for process in racing:
        process.start()
    told = [said.get(timeout=300) for _ in racing]
    for process in racing:
        process.join()

    assert {error for error in told if error} <= {"OperationRefused"}
    state = world.journal.state()
    assert [entry.seq for entry in world.journal.entries()] == list(range(1, state.seq + 1))
    assert aliases(client, world.target.name) == {"champion": state.champion, "previous": state.previous}
    assert not is_behind(world.store, world.target.name, state)


@pytest.mark.parametrize("reason", ["", "  ", "x" * 1001])
def test_a_reason_is_needed_and_is_no_novel(world: World, reason: str):
    with pytest.raises(OperationRefused, match="needs 1 to 1000; nothing was changed"):
        pause(world.journal, reason=reason)


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

    promote_version(open_work(world.target.name, by="test"), 2, reason="looked at it")

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
