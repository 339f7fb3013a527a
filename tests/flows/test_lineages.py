"""Lineages built again beside the current one: backfill, replay, retract, and what the gate lets through."""

from datetime import timedelta

import pytest
from mlflow import MlflowClient

from flows.absorb import absorb
from flows.backfill import backfill
from flows.retract import retract
from tasks.absorbing.work import open_work
from tasks.contracts import keys
from tasks.contracts.journal import Accepted, Decided, Switched, Withdrawn
from tasks.contracts.rebuild import BackfillRequest
from tasks.contracts.target import AbsorbSettings, GateSettings
from tasks.errors import NotThere, OperationRefused, StoredDiffers
from tasks.journal.history import Historian
from tasks.lineages.backfill import backfill_of
from tasks.lineages.plan import plan_text
from tasks.lineages.verify import verify
from tasks.operations.operate import promote, roll_back
from tasks.operations.status import TargetStatus, status_of
from tasks.registry.registry import aliases
from tests.flows.conftest import World

pytestmark = pytest.mark.integration


@pytest.fixture
def client(mlflow_server) -> MlflowClient:
    return MlflowClient(tracking_uri=mlflow_server.uri, registry_uri=mlflow_server.uri)


@pytest.fixture(autouse=True)
def _every_source_gives_a_version(world: World):
    world.replace_target(absorb=AbsorbSettings(mode="reference", lr=1e-3, epochs=3, initial_epochs=3))


def request(**fields) -> BackfillRequest:
    return BackfillRequest(**{"from_period": "2002", "then": "apply"} | fields)


def absorbed(world: World, *years: int) -> None:
    """Publish source n for the n-th year and absorb all, in one run each."""
    for number, year in enumerate(years, start=1):
        world.publish(number, year=year)
        absorb(world.target.name)


def labels(world: World, lineage: str) -> list[str]:
    return [d.source.period.label for d in world.decided() if d.lineage == lineage and d.index]


def current(world: World) -> str:
    return world.journal.state().lineage


def test_a_backfill_builds_a_lineage_beside_main_and_takes_over_by_one_entry(
    world: World, client: MlflowClient
):
    absorbed(world, 2001, 2002, 2003)
    plan = plan_of(world, request(without=("digits/2002",)))
    assert "absorb    digits/2003" in plan
    assert "left out  digits/2002: as asked" in plan
    assert "1 sources to absorb (0 done before)" in plan
    assert "from version 1" in plan

    backfill(world.target.name, request(without=("digits/2002",), then="compare"))
    redo = world.decided()[-1]
    assert current(world) == "main"
    assert (redo.parent_version, redo.index, labels(world, redo.lineage)) == (1, 2, ["2003"])
    assert aliases(client, world.target.name) == {"champion": 3, "previous": 2}

    backfill(world.target.name, request(without=("digits/2002",)))
    switched = [e for e in world.journal.entries() if isinstance(e, Switched)]
    assert [(e.lineage, e.registry_version) for e in switched] == [(redo.lineage, redo.registry_version)]
    assert aliases(client, world.target.name) == {"champion": redo.registry_version, "previous": 3}
    assert labels(world, redo.lineage) == ["2003"]  # what was built to compare was not built again
    runs = client.search_runs([client.get_experiment_by_name(world.target.name).experiment_id])
    charts = {r.data.tags["lineage"]: r.data.metrics for r in runs if r.data.tags["kind"] == "lineage"}
    assert set(charts) == {"main", redo.lineage}
    assert "gate_accuracy" in charts[redo.lineage]
    assert {r.info.status for r in runs} == {"FINISHED"}

    seq = world.journal.state().seq
    backfill(world.target.name, request(without=("digits/2002",)))
    assert world.journal.state().seq == seq  # it took over already
    world.publish(4, year=2004)
    absorb(world.target.name)
    assert (world.decided()[-1].lineage, world.decided()[-1].index) == (redo.lineage, 3)


def test_a_backfill_with_other_settings_absorbs_again_what_came_meanwhile(world: World, monkeypatch):
    absorbed(world, 2001, 2002)
    world.publish(3, year=2003)  # ready, and absorbed into main between two units of the backfill
    backfill(world.target.name, request(from_period="2001", config={"seed": 7}))
    lineage = current(world)
    assert lineage.startswith("backfill-2001-")
    assert labels(world, "main") == ["2001", "2002", "2003"]
    assert labels(world, lineage) == ["2001", "2002", "2003"]
    assert world.decided()[-1].digests.config != world.decided()[0].digests.config


def test_the_gate_keeps_a_lineage_out_and_a_person_may_take_it(world: World, client: MlflowClient):
    absorbed(world, 2001, 2002)
    backfill(world.target.name, request(from_period="2001", then="compare"))
    world.replace_target(gate=GateSettings(policy="improves"))
    backfill(world.target.name, request(from_period="2001"))  # the same bits are not better
    redo = world.decided()[-1]
    assert redo.weights_sha256 == world.decided()[1].weights_sha256
    assert current(world) == "main"
    assert aliases(client, world.target.name)["champion"] == 2

    promote(open_work(world.target.name, by="test"), redo.registry_version, reason="looked at it")
    assert current(world) == redo.lineage
    assert aliases(client, world.target.name)["champion"] == redo.registry_version


def test_a_backfill_that_lacks_a_blob_says_so_and_does_nothing(world: World):
    absorbed(world, 2001, 2002)
    world.store.delete(world.manifest(2, 2002).weights.key)
    seq = world.journal.state().seq
    with pytest.raises(NotThere, match="gone from the bucket"):
        backfill(world.target.name, request())
    with pytest.raises(NotThere, match="no source of period 1999"):
        backfill(world.target.name, request(from_period="1999"))
    with pytest.raises(OperationRefused, match="part of version 1"):
        backfill(world.target.name, request(without=("digits/2001",)))
    assert world.journal.state().seq == seq


def test_late_append_absorbs_a_late_source_at_once(world: World):
    absorbed(world, 2003, 2001)
    assert labels(world, "main") == ["2003", "2001"]
    assert world.decided()[-1].parent_version == 1


def test_late_replay_puts_a_batch_in_its_place_by_one_backfill(world: World, client: MlflowClient):
    world.replace_target(late="replay")
    absorbed(world, 2001, 2004)
    world.publish(4, year=2003)
    world.publish(3, year=2002)
    absorb(world.target.name)
    lineage = current(world)
    assert lineage.startswith("replay-2002-")
    assert labels(world, lineage) == ["2002", "2003", "2004"]
    state = world.journal.state()
    assert not state.open
    assert len([e for e in world.journal.entries() if isinstance(e, Switched)]) == 1
    assert aliases(client, world.target.name)["champion"] == state.lineages[lineage].head
    seq = state.seq
    absorb(world.target.name)
    assert world.journal.state().seq == seq


def test_a_late_source_whose_replay_the_gate_refuses_is_rejected(world: World):
    world.replace_target(late="replay", absorb=AbsorbSettings(lr=1e-3, epochs=5, initial_epochs=5, folds=2))
    absorbed(world, 2001, 2004)
    world.replace_target(gate=GateSettings(policy="improves", confidence=0.99999))
    world.publish(3, year=2002)
    absorb(world.target.name)
    last = world.decided()[-1]
    assert current(world) == "main"
    assert (last.decision, last.lineage, last.index) == ("rejected", "main", None)
    assert last.reason.object.startswith("manifests/digits/2002/1.json, replayed as lineage replay-2002-")
    assert not world.journal.state().open


def test_a_late_source_waits_for_a_person_where_the_gate_does(world: World, client: MlflowClient):
    world.replace_target(late="replay")
    absorbed(world, 2001, 2004)
    world.replace_target(gate=GateSettings(policy="manual"))
    late = world.publish(3, year=2002)
    absorb(world.target.name)
    assert (world.decided()[-1].decision, world.decided()[-1].reason_code) == ("parked", "manual")
    head = next(d for d in reversed(world.decided()) if d.lineage != "main").registry_version

    promote(open_work(world.target.name, by="test"), head, reason="looked at it")
    state = world.journal.state()
    assert aliases(client, world.target.name)["champion"] == head
    assert state.closed[late.arrival_id].seq < world.decided()[-1].seq  # what the lineage decided counts now


def test_late_park_waits_and_a_backfill_takes_the_parked_source_in(world: World):
    world.replace_target(late="park")
    absorbed(world, 2002, 2001)
    assert world.decided()[-1].reason_code == "late"
    backfill(world.target.name, request(from_period="2001"))
    assert labels(world, current(world)) == ["2001", "2002"]


def test_a_retracted_source_is_withdrawn_and_no_ancestor_of_the_champion(world: World, client: MlflowClient):
    absorbed(world, 2001, 2002, 2003)
    arrival = world.decided()[1].arrival_id
    retract(world.target.name, "digits/2002/1", "leaked labels")
    (withdrawn,) = [e for e in world.journal.entries() if isinstance(e, Withdrawn)]
    assert (withdrawn.arrival_id, withdrawn.reason) == (arrival, "retracted: leaked labels")
    history = Historian(world.journal).read()
    chain = history.chain(history.state.champion)
    assert [d.source.period.label for d in chain] == ["2001", "2003"]
    assert aliases(client, world.target.name)["champion"] == history.state.champion

    seq = history.state.seq
    retract(world.target.name, arrival[:10], "leaked labels")
    assert world.journal.state().seq == seq


def test_the_newest_source_is_retracted_without_computing_anything(world: World, client: MlflowClient):
    absorbed(world, 2001, 2002)
    retract(world.target.name, "digits/2002/1", "leaked labels")
    assert aliases(client, world.target.name) == {"champion": 1, "previous": 2}
    assert len([e for e in world.journal.entries() if isinstance(e, Decided)]) == 2
    world.publish(3, year=2003)
    absorb(world.target.name)
    assert (world.decided()[-1].index, world.decided()[-1].parent_version) == (2, 1)


def test_an_arrival_that_is_retracted_before_its_decision_is_never_absorbed(world: World):
    absorbed(world, 2001)
    world.replace_target(paused=True)
    published = world.publish(2, year=2002)
    absorb(world.target.name)  # accepts it, absorbs nothing
    retract(world.target.name, published.arrival_id, "poisoned")
    world.replace_target(paused=False)
    absorb(world.target.name)
    assert world.decided()[-1].reason_code == "retracted"
    assert len([e for e in world.journal.entries() if isinstance(e, Accepted)]) == 2


def plan_of(world: World, asked: BackfillRequest) -> str:
    work = open_work(world.target.name, by="test")
    history = Historian(work.journal).read()
    return plan_text(work, history, backfill_of(work.target, history, asked))


def test_a_version_is_computed_again_from_its_lineage_bit_for_bit(world: World):
    absorbed(world, 2001, 2002)
    work = open_work(world.target.name, by="test")
    found = list(verify(work, 2))
    assert [(each.version, each.same, each.unlike) for each in found] == [(1, True, ()), (2, True, ())]
    assert [each.version for each in verify(work, 2, last=1)] == [2]


def test_a_version_that_its_lineage_does_not_give_is_named(world: World):
    absorbed(world, 2001)
    decided = world.decided()[0]
    key = keys.entry_key(world.target.name, decided.seq)
    world.store.put(key, decided.model_copy(update={"weights_sha256": "0" * 64}).model_dump_json().encode())
    world.store.delete(keys.state_key(world.target.name))
    with pytest.raises(StoredDiffers, match="version 1 of"):
        list(verify(open_work(world.target.name, by="test"), 1))


def test_the_status_says_from_which_version_a_person_rolled_back(world: World):
    absorbed(world, 2001, 2002)
    roll_back(open_work(world.target.name, by="test"), None, reason="worse at night")
    assert status(world).rolled_back_from == 2
    world.publish(3, year=2003)
    absorb(world.target.name)
    assert (status(world).champion, status(world).rolled_back_from) == (3, None)


def status(world: World) -> TargetStatus:
    return status_of(world.store, world.target, world.journal, pending_limit=timedelta(hours=24))
