"""Targets are created once, and read with errors that say what is there."""

import pytest

from tasks.contracts import keys
from tasks.errors import AlreadyThere, InvalidDocument, InvalidSettings, NotThere
from tasks.journal.targets import create_target, read_target, shared, target_names


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


def test_each_target_falls_to_one_share_and_shares_are_alike():
    names = [f"team-{number}" for number in range(1000)]
    parts = [shared(names, share=share, shares=4) for share in range(1, 5)]
    assert sorted(name for part in parts for name in part) == sorted(names)
    assert all(200 < len(part) < 300 for part in parts)
    assert shared(names, share=1, shares=1) == names


@pytest.mark.parametrize("share", [0, 5])
def test_a_share_that_is_none_is_refused(share: int):
    with pytest.raises(InvalidSettings, match=f"share is {share} of 4, needs 1 to 4"):
        shared(["team"], share=share, shares=4)
