"""The watch decides cheap refusals itself, and asks for an absorb only when something is ready."""

from datetime import UTC, datetime

import pytest

from flows import watch as module
from flows.watch import watch
from tests.flows.conftest import World

pytestmark = pytest.mark.integration


@pytest.fixture
def triggered(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[str]]]:
    """What the watch asks Prefect for; no deployment is needed to see it."""
    asked: list[tuple[str, list[str]]] = []

    def record(target: str, *, ready: list[str]) -> str:
        asked.append((target, list(ready)))
        return "a-flow-run"

    monkeypatch.setattr(module, "trigger_absorb", record)
    return asked


def test_a_ready_source_starts_one_absorb_of_its_target(world: World, triggered):
    published = world.publish(1, year=2001)

    watch()

    assert triggered == [(world.target.name, [published.arrival_id])]


def test_watches_share_the_targets_each_looked_at_by_one(world: World, triggered):
    world.publish(1, year=2001)

    for share in (1, 2, 3):
        watch(share=share, shares=3)

    assert [target for target, _ in triggered] == [world.target.name]
    assert watch(share=4, shares=3, return_state=True).is_failed()


def test_nothing_new_starts_nothing(world: World, triggered):
    watch()

    assert triggered == []


def test_a_manifest_that_breaks_the_contract_is_quarantined_by_the_watch(world: World, triggered):
    world.store.create("manifests/digits/2001/1.json", b"{")

    watch()

    assert [(e.decision, e.reason_code) for e in world.decided()] == [("quarantined", "manifest_invalid")]
    assert triggered == [(world.target.name, [])]  # an absorb, which shows it in MLflow


def test_a_source_without_its_blob_waits(world: World, triggered):
    manifest = world.manifest(1, 2001)
    world.store.create(manifest.key, manifest.model_dump_json(exclude_none=True).encode())

    watch()

    assert triggered == []
    assert world.decided() == []


def test_a_target_that_cannot_be_read_holds_back_no_other(world: World, triggered):
    world.store.create("targets/a-broken-one/target.json", b"no json")
    world.publish(1, year=2001)

    state = watch(return_state=True)

    assert state.is_failed()
    assert [target for target, _ in triggered] == [world.target.name]


def test_a_run_that_was_never_begun_is_dead_after_the_time_that_is_set(
    world: World, triggered, monkeypatch: pytest.MonkeyPatch
):
    limits: list[float] = []
    monkeypatch.setattr(module, "end_stale_pending", lambda *, older_than_s: limits.append(older_than_s))
    monkeypatch.setenv("GRASP_UNBEGUN_LIMIT_S", "45")

    watch()

    assert limits == [45]


def test_what_was_asked_for_while_a_watch_looks_is_not_taken_for_seen(
    world: World, triggered, monkeypatch: pytest.MonkeyPatch
):
    """Both times it says when it began: before it looked at any target."""
    said, looked = [], []
    monkeypatch.setattr(module, "clear_watches", lambda *, deployment, began: said.append(began))
    monkeypatch.setattr(module, "look", lambda *_, **__: looked.append(datetime.now(UTC)))
    watch()
    assert len(looked) == 1
    assert len(said) == 2
    assert said[0] == said[1] < looked[0]
