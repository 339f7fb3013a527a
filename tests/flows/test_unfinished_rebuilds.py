"""A rebuild that is at work, or that died, keeps what it needs; and what it says of itself is true later."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from prefect import Flow
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings
from prefect.states import Cancelled, Running
from typer.testing import CliRunner

import flows.rebuild
import flows.rebuild_target
from flows.absorb import absorb
from flows.backfill import backfill
from flows.cli.app import app
from flows.cli.targets import look as _look  # noqa: F401
from flows.cli.targets import prune as _prune  # noqa: F401 - registers the command
from tasks.absorbing.work import open_work
from tasks.contracts import keys
from tasks.contracts.rebuild import BackfillRequest
from tasks.contracts.target import AbsorbSettings, GateSettings
from tasks.errors import OperationRefused, OrchestrationUnavailable
from tasks.journal.history import Historian
from tasks.lineages.hint import hint_key
from tasks.operations.operate import roll_back
from tasks.operations.prune import plan_prune, prune
from tests.flows.conftest import World

pytestmark = pytest.mark.integration
NEVER = GateSettings(policy="improves", confidence=0.999999)
ALWAYS = GateSettings(policy="always")


@pytest.fixture(autouse=True)
def _every_source_gives_a_version(world: World):
    world.replace_target(absorb=AbsorbSettings(mode="reference", lr=1e-3, epochs=2, initial_epochs=2))


def request(**fields) -> BackfillRequest:
    return BackfillRequest(**{"from_period": "2002", "then": "apply"} | fields)


def absorbed(world: World, *years: int, rejected: tuple[int, ...] = ()) -> None:
    """Publish source n for the n-th year and absorb all, in one run each."""
    for number, year in enumerate(years, start=1):
        world.replace_target(gate=NEVER if year in rejected else ALWAYS)
        world.publish(number, year=year)
        absorb(world.target.name)
    world.replace_target(gate=ALWAYS)


def dying(*_: object, **__: object) -> None:
    raise MemoryError("the machine is gone")


@contextmanager
def at_work(flow: Flow, **parameters: object) -> Iterator[str]:
    """A run of a flow that Prefect takes for alive."""
    with get_client(sync_client=True) as client:
        run = client.create_flow_run(flow, parameters=parameters, state=Running())
        try:
            yield run.name
        finally:
            client.set_flow_run_state(run.id, Cancelled(), force=True)


@pytest.mark.parametrize("died", ["before its first decision", "midway"])
def test_a_prune_leaves_a_backfill_that_died_what_it_goes_on_with(
    died: str, world: World, monkeypatch: pytest.MonkeyPatch
):
    absorbed(world, 2001, 2002, 2003, 2004, rejected=(2003,))
    name, work = world.target.name, open_work(world.target.name, by="test")
    with monkeypatch.context() as patch:
        if died == "midway":
            patch.setattr(flows.rebuild_target, "absorb_live", dying)
        else:
            patch.setattr(flows.rebuild, "fetch", dying)
        with pytest.raises(MemoryError):
            backfill(name, request())

    doomed = plan_prune(work, keep=0)
    assert 1 in doomed.kept  # the start
    assert len(doomed.unfinished) == 1
    assert doomed.blobs == {}
    prune(work, doomed, keep=0)
    backfill(name, request())
    assert world.journal.state().lineage == doomed.unfinished[0]
    assert plan_prune(work, keep=0).unfinished == ()

    prune(work, plan_prune(work, keep=0), keep=0)
    assert world.store.head(hint_key(name, doomed.unfinished[0])) is None


def test_nothing_is_pruned_while_a_backfill_is_at_work(world: World):
    absorbed(world, 2001, 2002, rejected=(2002,))
    name, work = world.target.name, open_work(world.target.name, by="test")
    doomed = plan_prune(work, keep=0)
    assert doomed.blobs
    with (
        at_work(backfill, target=name, request=request()) as run,
        pytest.raises(OperationRefused, match=run),
    ):
        prune(work, doomed, keep=0)
    unreachable = {PREFECT_API_URL: "http://127.0.0.1:9/api", PREFECT_CLIENT_MAX_RETRIES: 0}
    with (
        temporary_settings(unreachable),
        pytest.raises(OrchestrationUnavailable, match="nothing was deleted"),
    ):
        prune(work, doomed, keep=0)
    assert all(world.store.head(key) for key in doomed.blobs)
    prune(work, doomed, keep=0)
    assert not any(world.store.head(key) for key in doomed.blobs)


@pytest.mark.parametrize("options", [(), ("--everything",)])
def test_a_target_is_not_deleted_while_an_absorb_is_at_work(world: World, options: tuple[str, ...]):
    name = world.target.name
    absorbed(world, 2001)
    world.store.put(hint_key(name, "backfill-x"), b"{}")
    with at_work(absorb, target=name) as run:
        done = CliRunner().invoke(app, ["target", "delete", name, *options, "--apply"])
        assert isinstance(done.exception, OperationRefused)
        assert f"flow run {run}" in str(done.exception)
        assert "cancel it first" in str(done.exception)
        assert world.store.head(keys.target_key(name))
        assert world.journal.state().champion == 1
    assert CliRunner().invoke(app, ["target", "delete", name, *options, "--apply"]).exit_code == 0
    left = list(world.store.list(keys.journal_prefix(name)))
    assert (left == []) == bool(options)


def test_to_leaves_out_what_was_there_and_not_what_came_meanwhile(world: World, monkeypatch):
    absorbed(world, 2001, 2002, 2003)
    name = world.target.name
    world.publish(4, year=2004)  # absorbed into main between two units of the backfill

    with monkeypatch.context() as patch:
        patch.setattr(flows.rebuild, "compare", dying)
        with pytest.raises(MemoryError):
            backfill(name, request(to_period="2002"))
    unfinished = plan_prune(open_work(name, by="test"), keep=0).unfinished
    backfill(name, request(to_period="2002"))  # again, when 2004 is there already

    history = Historian(world.journal).read()
    assert history.state.lineage == unfinished[0]
    chain = history.chain(history.state.champion)
    assert [decided.source.period.label for decided in chain] == ["2001", "2002", "2004"]


def test_a_backfill_that_was_rolled_back_takes_over_again(world: World):
    absorbed(world, 2001, 2002)
    name = world.target.name
    backfill(name, request())
    roll_back(open_work(name, by="test"), None, reason="worse at night")
    assert world.journal.state().champion == 2

    backfill(name, request())

    history = Historian(world.journal).read()
    champion = history.state.champion
    assert history.state.versions[champion].lineage == history.state.lineage
    assert history.state.lineage.startswith("backfill-2002-")
    assert [decided.source.period.label for decided in history.chain(champion)] == ["2001", "2002"]
