"""`grasp repair TARGET --journal`: shows first, moves when told, says when it may not."""

from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from flows.cli.app import command_line
from tasks.bucket.store import Store
from tasks.contracts import keys
from tasks.errors import InvalidDocument
from tests.tasks.conftest import Bucket

NAME = "digits-now"


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")


@pytest.fixture
def bucket(store: Store) -> Bucket:
    """A target with an accepted arrival, and a stranger's object where the next entry belongs."""
    bucket = Bucket(store)
    body = bucket.target.model_dump_json(by_alias=True, exclude_none=True).encode()
    store.put(keys.target_key(NAME), body)
    bucket.publish("2014")
    bucket.watch()
    store.put(keys.entry_key(NAME, 2), b"a stranger was here")
    return bucket


def grasp(*words: str) -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(command_line(), list(words))


def test_the_error_names_the_command_that_shows_and_then_moves_what_is_in_the_way(bucket: Bucket):
    error = grasp("status", NAME).exception
    assert isinstance(error, InvalidDocument)
    assert f"journal/{NAME}/000000000002.json: " in str(error)
    assert f"grasp repair {NAME} --journal" in str(error)

    shown = grasp("repair", NAME, "--journal")
    assert shown.exit_code == 0, shown.output
    assert "entries 1 to 1 can be read" in shown.output
    assert f"would move it to aside/journal/{NAME}/000000000002-" in shown.output
    assert "nothing was changed; say --apply to do it" in shown.output
    assert bucket.store.get(keys.entry_key(NAME, 2)).body == b"a stranger was here"

    done = grasp("repair", NAME, "--journal", "--apply")
    assert "the journal goes on" in done.output, done.output
    assert "digits/2014/1  ready" in grasp("status", NAME).output
    (aside,) = bucket.store.list(keys.ASIDE)
    assert bucket.store.get(aside.key).body == b"a stranger was here"
    assert "nothing is in its way" in grasp("repair", NAME, "--journal").output


def test_where_bytes_would_be_lost_it_ends_with_words_and_a_failure(bucket: Bucket):
    bucket.store.put(keys.entry_key(NAME, 3), bucket.store.get(keys.entry_key(NAME, 1)).body)
    good = bucket.store.get(keys.entry_key(NAME, 1)).body.replace(b'"seq": 1', b'"seq": 4')
    bucket.store.put(keys.entry_key(NAME, 4), good)
    done = grasp("repair", NAME, "--journal", "--apply")
    assert done.exit_code == 1
    assert "a person has to look first: entries 4 behind entry 2 can be read" in done.output
    assert len(list(bucket.store.list(keys.ASIDE))) == 0

    done = grasp("repair", NAME, "--journal", "--aside", "4", "--apply")
    assert done.exit_code == 0, done.output
    assert len(list(bucket.store.list(keys.ASIDE))) == 3
    assert bucket.check_journal().seq == 1


def test_naming_an_entry_needs_the_journal(bucket: Bucket):
    done = grasp("repair", NAME, "--aside", "4")
    assert done.exit_code == 2
    assert "--aside names journal entries" in done.output
