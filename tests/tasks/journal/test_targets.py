"""Targets are created once, and read with errors that say what is there."""

import pytest

from tasks.contracts import keys
from tasks.errors import AlreadyThere, InvalidDocument, NotThere
from tasks.journal.targets import create_target, read_target, target_names


@pytest.fixture
def target(bucket):
    bucket.store.put(bucket.target.dataset, b"{}")
    return bucket.target


def test_a_created_target_is_read_back(store, target):
    create_target(store, target)
    assert read_target(store, "digits-now") == target
    assert target_names(store) == ["digits-now"]


def test_a_taken_name_is_refused_and_changes_nothing(store, target):
    create_target(store, target)
    with pytest.raises(AlreadyThere, match="target digits-now exists already"):
        create_target(store, target.model_copy(update={"paused": True}))
    assert not read_target(store, "digits-now").paused


def test_a_target_needs_its_data(store, bucket):
    with pytest.raises(NotThere, match="publish them first; no target was created"):
        create_target(store, bucket.target)
    assert target_names(store) == []


def test_an_unknown_target_names_those_that_exist(store, target):
    create_target(store, target)
    with pytest.raises(NotThere, match=r"target other does not exist .*\(there are: digits-now\)"):
        read_target(store, "other")


def test_other_keys_are_no_targets_and_a_bad_document_is_named(store):
    for key in (
        "targets/x",
        "targets/x/other.json",
        "targets/x/y/target.json",
        "targets/Bad Name/target.json",
    ):
        store.put(key, b"junk")
    assert target_names(store) == []
    store.put(keys.target_key("t"), b"{}")
    assert target_names(store) == ["t"]
    with pytest.raises(InvalidDocument, match=r"targets/t/target\.json"):
        read_target(store, "t")


def test_a_target_lies_under_its_own_name(store, target):
    store.put(keys.target_key("other"), target.model_dump_json(by_alias=True, exclude_none=True).encode())
    with pytest.raises(InvalidDocument, match="names digits-now"):
        read_target(store, "other")
