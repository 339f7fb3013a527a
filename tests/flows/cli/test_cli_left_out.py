"""What is damaged, or written by strangers, hides nothing else from a person, and plays with no terminal."""

import json
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from flows.cli.app import command_line
from tasks.arrivals.triage import triage
from tasks.bucket.store import Store
from tasks.contracts import keys
from tasks.contracts.journal import Paused
from tasks.errors import InvalidDocument, NotThere
from tests.tasks.conftest import DAY, Bucket, ListingRule

MANIFEST = "manifests/digits/2014/1.json"


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")  # looking asks MLflow nothing


@pytest.fixture
def good(store: Store) -> Bucket:
    """A target that has quarantined an arrival."""
    bucket = _target(store, "digits-now")
    store.put(MANIFEST, b"junk")
    triage(store, bucket.target, bucket.journal, pending_limit=DAY, rule=ListingRule())
    return bucket


def _target(store: Store, name: str) -> Bucket:
    bucket = Bucket(store, name=name)
    store.put(keys.target_key(name), bucket.target.model_dump_json(by_alias=True, exclude_none=True).encode())
    return bucket


def _cut_off(store: Store) -> str:
    key = keys.target_key("other-now")
    store.put(key, b'{"schema_version": 1, "name": "other-now"')
    return key


def _newer(store: Store) -> str:
    key = keys.target_key("other-now")
    store.put(key, b'{"schema_version": 99}')
    return key


def _damaged_journal(store: Store) -> str:
    bucket = _target(store, "other-now")
    bucket.journal.transact(lambda _, stamp: Paused(**stamp._asdict(), reason="x"))
    store.put(keys.entry_key("other-now", 1), b"junk")
    return keys.entry_key("other-now", 1)


def _gap_in_the_journal(store: Store) -> str:
    bucket = _target(store, "other-now")
    for _ in range(2):
        state = bucket.journal.state()
        bucket.journal.append(Paused(seq=state.seq + 1, at="2026-11-21T00:00:00Z", by="x", reason="x"))
    store.delete(keys.entry_key("other-now", 1))
    return "journal entry 2 follows entry 0"


@pytest.fixture(params=[_cut_off, _newer, _damaged_journal, _gap_in_the_journal])
def damage(request, good: Bucket) -> str:
    """Break another target; gives what an error says of it."""
    return request.param(good.store)


def grasp(*words: str) -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(command_line(), list(words))


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (("explain", "digits/2014/1"), "now: quarantined"),
        (("requeue", "digits/2014/1"), "is open again for target digits-now"),
        (("status",), "digits-now: champion none yet"),
        (("target", "list"), "digits-now"),
    ],
    ids=lambda words: words[0],
)
def test_a_target_that_cannot_be_read_is_named_and_the_others_are_shown(damage: str, words, shown: str):
    done = grasp(*words)
    assert done.exit_code == 0, done.output
    assert shown in done.stdout
    (line,) = done.stderr.splitlines()
    assert line.startswith("grasp: target other-now is left out: ")
    assert damage in line


@pytest.mark.parametrize(
    "words",
    [
        ("explain", "digits/2014/1", "--target", "other-now"),
        ("requeue", "digits/2014/1", "--target", "other-now"),
        ("status", "other-now"),
        ("status", "other-now", "--json"),
    ],
)
def test_the_error_of_a_target_that_is_asked_for_ends_the_command(good: Bucket, words: tuple[str, ...]):
    key = _cut_off(good.store)
    done = grasp(*words)
    assert isinstance(done.exception, InvalidDocument)
    assert key in str(done.exception)


def test_status_as_json_stays_json_and_carries_the_error(damage: str):
    done = grasp("status", "--json")
    assert done.exit_code == 0
    shown = json.loads(done.output)
    assert [target["name"] for target in shown["targets"]] == ["digits-now"]
    (bad,) = shown["unreadable"]
    assert bad["name"] == "other-now"
    assert damage in bad["error"]


def test_an_arrival_that_no_readable_target_knows_is_still_an_error(good: Bucket):
    _cut_off(good.store)
    done = grasp("explain", "digits/1999/1")
    assert isinstance(done.exception, NotThere)
    assert "no journal of digits-now in bucket" in str(done.exception)
    assert "target other-now is left out" in done.stderr


@pytest.mark.parametrize("words", [("status",), ("status", "--json"), ("target", "list")])
def test_when_no_target_can_be_read_the_command_has_failed(store: Store, words: tuple[str, ...]):
    key = _cut_off(store)
    done = grasp(*words)
    assert done.exit_code == 1
    assert key in done.output
    assert "no targets in bucket" not in done.output


STRAYS = [
    "manifests/digits/2014/[/foo].json",
    "manifests/digits/20[bold]14/1.json",
    "manifests/digits/:smile:.json",
    f"manifests/digits/{'long' * 60}.json",
]


def test_a_strangers_key_is_shown_as_it_is(store: Store):
    for key in STRAYS:
        store.put(key, b"x")
    done = grasp("status", "--strays")
    assert done.exit_code == 0, done.output
    assert [line for line in done.output.splitlines() if line.startswith("stray")] == [
        f"stray: {key}" for key in sorted(STRAYS)
    ]
    assert json.loads(grasp("status", "--strays", "--json").output)["strays"] == sorted(STRAYS)


def test_control_characters_of_a_key_do_not_reach_the_terminal(store: Store):
    store.put("manifests/digits/2014/\x1b[2J\x9b1m\x07.json", b"x")
    done = grasp("status", "--strays")
    assert "stray: manifests/digits/2014/\\x1b[2J\\x9b1m\\x07.json\n" in done.output
