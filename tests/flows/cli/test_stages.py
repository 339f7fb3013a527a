"""What people look with works at every stage of an arrival's life, between any two steps of the pipeline."""

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from click.testing import Result
from typer.testing import CliRunner

from flows.cli.app import command_line
from tasks.absorbing.decide import break_off, claim
from tasks.arrivals.requeue import requeue
from tasks.bucket.store import Store
from tasks.contracts import keys
from tasks.contracts.journal import Decided, Promoted, Reason
from tasks.errors import GraspError, NotThere, OperationRefused
from tasks.lineages.retract import withdraw
from tasks.weights.files import new_module, save
from tests.tasks.conftest import ARCHITECTURE, Bucket

pytestmark = pytest.mark.integration
NAME, WHICH = "digits-now", "digits/2014/1"
KEY = f"manifests/{WHICH}.json"
ARRIVAL = keys.arrival_id(KEY)
BLOB = b"weights"
BLOB_KEY = keys.blob_key(hashlib.sha256(BLOB).hexdigest())


class Stage(NamedTuple):
    """How an arrival comes to a stage, and what is said of it there. open: by `status`; None: not listed.

    decided: the decision that `status` lists; explained: what `explain` says it is now, None: it is unknown.
    """

    reach: Callable[[Bucket], object]
    open: str | None = None
    decided: str | None = None
    explained: str | None = None
    requeues: bool = False


def publish(bucket: Bucket) -> None:
    bucket.publish("2014", blob=BLOB)


def accept(bucket: Bucket) -> None:
    publish(bucket)
    bucket.watch()


def attempt(bucket: Bucket) -> None:
    publish(bucket)
    (ready,) = bucket.watch().ready
    claim(bucket.journal, bucket.target, ready, flow_run="f")


def broken_off(bucket: Bucket) -> None:
    publish(bucket)
    (ready,) = bucket.watch().ready
    claim(bucket.journal, bucket.target, ready, flow_run="f")
    break_off(bucket.journal, ready, reason="out of memory")


def promote(bucket: Bucket) -> None:
    publish(bucket)
    bucket.absorb(ARRIVAL, version=1)


def reject(bucket: Bucket) -> None:
    publish(bucket)
    bucket.absorb(ARRIVAL, decision="rejected", version=None, reason_code="no_gain")


def park(bucket: Bucket) -> None:
    publish(bucket)
    bucket.absorb(ARRIVAL, decision="parked", version=1, reason_code="manual")


def promoted_by_hand(bucket: Bucket) -> None:
    park(bucket)
    bucket.journal.transact(
        lambda _, stamp: Promoted(
            **stamp._asdict(), arrival_id=ARRIVAL, registry_version=1, reason="looked at it"
        )
    )


def refuse_by(manifest: Callable[[Bucket], dict | bytes]) -> Callable[[Bucket], None]:
    def reach(bucket: Bucket) -> None:
        bucket.put_manifest(KEY, manifest(bucket))
        bucket.watch()

    return reach


def quarantine(bucket: Bucket) -> None:
    bucket.put_manifest(KEY, bucket.manifest("2014", blob=BLOB))
    bucket.watch(limit=timedelta(0))


def duplicate(bucket: Bucket) -> None:
    bucket.publish("2014", 2, blob=BLOB)
    bucket.absorb(keys.arrival_id("manifests/digits/2014/2.json"), version=1)
    accept(bucket)


def delete_manifest(before: Callable[[Bucket], object]) -> Callable[[Bucket], None]:
    def reach(bucket: Bucket) -> None:
        before(bucket)
        bucket.store.delete(KEY)
        bucket.watch()

    return reach


def retracted(bucket: Bucket) -> None:
    accept(bucket)
    withdraw(bucket.journal, ARRIVAL, reason="leaked labels")


def requeued(bucket: Bucket) -> None:
    quarantine(bucket)
    requeue(bucket.journal, ARRIVAL, reason="the blob is there now")


def decided_beside(bucket: Bucket) -> None:
    """A lineage that is being built holds a decision on it back."""
    promote(bucket)
    source = bucket.decided(ARRIVAL).source
    bucket.journal.transact(
        lambda state, stamp: Decided(
            **stamp._asdict(),
            arrival_id=ARRIVAL,
            decision="promoted",
            reason_code="first",
            reason=Reason(object="o", found="f", needed="n", next="x"),
            source=source,
            lineage="backfill-2014-0123456789",
            index=1,
            registry_version=2,
        )
    )


def overwritten(bucket: Bucket) -> None:
    accept(bucket)
    bucket.put_manifest(KEY, b"something else")


WAITS_FOR_BLOB = "pending: blobs/sha256/"
STAGES = {
    "nothing is published": Stage(lambda bucket: None),
    "a blob without a manifest": Stage(lambda bucket: bucket.store.put(BLOB_KEY, BLOB)),
    "a manifest without a blob, not seen": Stage(
        lambda bucket: bucket.put_manifest(KEY, bucket.manifest("2014", blob=BLOB)), "not seen by the watch"
    ),
    "published, not seen": Stage(publish, "not seen by the watch"),
    "a broken manifest, not seen": Stage(
        lambda bucket: bucket.put_manifest(KEY, b"{"), "not seen by the watch"
    ),
    "pending": Stage(
        lambda bucket: [bucket.put_manifest(KEY, bucket.manifest("2014", blob=BLOB)), bucket.watch()],
        WAITS_FOR_BLOB,
        explained=WAITS_FOR_BLOB,
    ),
    "accepted": Stage(accept, "ready", explained="ready; the next absorb takes it"),
    "accepted and overwritten": Stage(overwritten, "ready", explained="ready"),
    "accepted and withdrawn, not seen": Stage(
        lambda bucket: [accept(bucket), bucket.store.delete(KEY)], "ready", explained="ready"
    ),
    "being attempted": Stage(attempt, "attempt 1 of 4", explained="attempt 1 of 4", requeues=True),
    "between two attempts": Stage(broken_off, "attempt 1 of 4", explained="attempt 1 of 4", requeues=True),
    "promoted": Stage(promote, decided="promoted", explained="promoted"),
    "rejected": Stage(reject, decided="rejected", explained="rejected"),
    "parked, manual gate": Stage(park, decided="parked", explained="parked", requeues=True),
    "promoted by hand": Stage(promoted_by_hand, decided="parked", explained="promoted"),
    "parked, newer schema": Stage(
        refuse_by(lambda bucket: bucket.manifest("2014") | {"schema_version": 3}),
        decided="parked",
        explained="parked",
        requeues=True,
    ),
    "quarantined, blob never came": Stage(
        quarantine, decided="quarantined", explained="quarantined", requeues=True
    ),
    "quarantined, no manifest": Stage(
        refuse_by(lambda _: b"\xff{"), decided="quarantined", explained="quarantined", requeues=True
    ),
    "duplicate": Stage(duplicate, decided="duplicate", explained="duplicate"),
    "withdrawn before its decision": Stage(delete_manifest(accept), explained="withdrawn before"),
    "withdrawn after its decision": Stage(
        delete_manifest(promote), decided="promoted", explained="promoted; its manifest was withdrawn"
    ),
    "retracted": Stage(retracted, decided="quarantined", explained="quarantined", requeues=True),
    "requeued": Stage(requeued, WAITS_FOR_BLOB, explained=WAITS_FOR_BLOB),
    "a lineage is being built beside": Stage(decided_beside, decided="promoted", explained="promoted"),
}


@pytest.fixture
def bucket(store: Store) -> Bucket:
    return Bucket(store)


@pytest.fixture(params=[False, True], ids=["alone", "beside a broken target"])
def broken(request, bucket: Bucket) -> bool:
    """Whether another target of the bucket has a journal that nobody can read."""
    _describe(bucket)
    if request.param:
        other = Bucket(bucket.store, name="a-broken-one")
        _describe(other)
        bucket.store.put(keys.entry_key("a-broken-one", 1), b"a stranger was here")
    return request.param


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")  # looking goes on without MLflow
    monkeypatch.setenv("GRASP_CACHE_DIR", str(tmp_path / "cache"))


def _describe(bucket: Bucket) -> None:
    body = bucket.target.model_dump_json(by_alias=True, exclude_none=True).encode()
    bucket.store.put(keys.target_key(bucket.target.name), body)


def grasp(*words: str) -> Result:
    """Run a command; it ends well, or with an error of ours."""
    done = CliRunner(env={"COLUMNS": "200"}).invoke(command_line(), list(words))
    assert done.exception is None or isinstance(done.exception, (GraspError, SystemExit)), done.exception
    return done


@pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES)
def test_status_explain_and_target_say_where_an_arrival_is(stage: Stage, bucket: Bucket, broken: bool):
    stage.reach(bucket)

    for words in (("status",), ("status", NAME), ("status", "--strays"), ("target", "list")):
        done = grasp(*words)
        assert done.exit_code == 0, done.output
        assert NAME in done.stdout
        named = len(words) > 1 and words[1] == NAME
        assert ("target a-broken-one is left out" in done.stderr) == (broken and not named)
    for words in (("status", "--json"), ("status", NAME, "--json")):
        shown = json.loads(grasp(*words).stdout)
        (target,) = shown["targets"]
        assert [each["name"] for each in shown["unreadable"]] == ["a-broken-one"] * (
            broken and NAME not in words
        )
        mine = [each for each in target["open"] if each["key"] in (KEY, BLOB_KEY)]
        assert len(mine) == (stage.open is not None)
        assert all(stage.open in each["why"] for each in mine)
        decided = [each["decision"] for each in target["decided"] if each["key"] == KEY]
        assert decided == ([stage.decided] if stage.decided else [])
    assert json.loads(grasp("target", "show", NAME).stdout)["journal"]["seq"] == bucket.check_journal().seq
    explained = grasp("explain", WHICH)
    if stage.explained is None:
        assert isinstance(explained.exception, NotThere)
    else:
        assert f"now: {stage.explained}" in explained.stdout


@pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES)
def test_prune_requeue_and_validate_do_what_they_can_at_every_stage(
    stage: Stage,
    bucket: Bucket,
    broken: bool,
    tmp_path: Path,
    mlflow_server,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_server.uri)
    stage.reach(bucket)
    torch.manual_seed(1)
    save(new_module(ARCHITECTURE), tmp_path / "w.safetensors")
    blob = (tmp_path / "w.safetensors").read_bytes()
    (tmp_path / "m.json").write_text(json.dumps(bucket.manifest("2014", blob=blob)))

    pruned = grasp("prune", NAME, "--keep", "0")
    assert pruned.exit_code == 0, pruned.output or pruned.exception
    assert "nothing was changed" in pruned.stdout
    assert ("no blob is deleted" in pruned.stdout) == broken
    valid = grasp("validate", "w.safetensors", "m.json", "--target", NAME)
    assert "would be taken in" in valid.stdout, valid.output
    again = grasp("requeue", WHICH)
    if stage.requeues:
        assert f"is open again for target {NAME}" in again.stdout
        bucket.check_journal()
        assert grasp("status", NAME).exit_code == 0
    else:
        assert isinstance(again.exception, (NotThere, OperationRefused))


def test_explain_says_of_a_published_source_that_the_watch_has_not_seen_it(bucket: Bucket, broken: bool):
    publish(bucket)
    assert "published, not seen by the watch yet" in str(grasp("explain", "digits/2014/1").exception)
    assert "has it been published" in str(grasp("explain", "digits/2099/1").exception)
