"""projected.json: behind is what shows less than the journal asks for, however it is looked at."""

import pytest

from tasks.contracts import keys
from tasks.contracts.state import State
from tasks.journal.projection import is_behind, read_projected, write_projected

DECIDED = State(seq=9, to_project=7, champion=2, previous=1)


def etag(store) -> str | None:
    head = store.head(keys.projected_key("t"))
    return head.etag if head else None


def test_a_journal_that_asks_for_nothing_is_never_behind(store):
    assert not is_behind(store, "t", State(seq=5))


@pytest.mark.parametrize("look", [lambda store: None, etag])
def test_what_was_shown_is_not_behind_until_the_journal_asks_for_more(store, look):
    assert is_behind(store, "t", DECIDED, etag=look(store))
    write_projected(store, "t", DECIDED)
    assert not is_behind(store, "t", DECIDED, etag=look(store))
    more = DECIDED.model_copy(update={"seq": 12})  # entries that MLflow does not show
    assert not is_behind(store, "t", more, etag=look(store))
    assert is_behind(store, "t", DECIDED.model_copy(update={"to_project": 12}), etag=look(store))


@pytest.mark.parametrize("body", [b"", b"junk", b"{}"])
def test_what_cannot_be_read_shows_nothing(store, body: bytes):
    store.put(keys.projected_key("t"), body)
    assert read_projected(store, "t", DECIDED).seq == 0
    assert is_behind(store, "t", DECIDED, etag=etag(store))


def test_a_store_whose_etags_are_no_digests_is_read(store):
    write_projected(store, "t", DECIDED)
    assert not is_behind(store, "t", DECIDED, etag="opaque-1")


@pytest.mark.parametrize(
    "other",
    [
        {"seq": 20, "to_project": 20},  # from the future, or of a journal that is no more
        {"champion": 77},
        {"to_project_sha256": "f" * 64},
    ],
    ids=["future", "champion", "entry"],
)
def test_what_is_said_of_another_journal_shows_nothing(store, other: dict):
    write_projected(store, "t", DECIDED.model_copy(update=other))
    assert read_projected(store, "t", DECIDED).seq == 0
    assert is_behind(store, "t", DECIDED, etag=etag(store))


def test_what_an_older_writer_left_is_believed_as_far_as_it_fits(store):
    body = b'{"schema_version":1,"seq":7,"champion":2,"previous":1}'
    store.put(keys.projected_key("t"), body)
    assert not is_behind(store, "t", DECIDED, etag=etag(store))
