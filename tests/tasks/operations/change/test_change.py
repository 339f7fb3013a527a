"""Changing a living target: the journal first, then the document; and what it says that the change means."""

import json

import pytest

from tasks.arrivals.unit import digests_of
from tasks.contracts import keys
from tasks.contracts.base import InputSpec
from tasks.contracts.changed import Changed
from tasks.contracts.dataset import Dataset
from tasks.contracts.target import Target
from tasks.errors import InvalidDocument, OperationRefused
from tasks.journal.history import Historian
from tasks.journal.targets import heeded_target, read_target
from tasks.operations.change.change import change
from tasks.operations.change.preview import preview
from tasks.operations.change.wish import Wish, read_pairs, wished
from tests.tasks.conftest import Bucket


def wish(**settings: str) -> Wish:
    return Wish(settings=settings)


def put(bucket: Bucket, target: Target) -> None:
    bucket.store.put(keys.target_key(target.name), target.model_dump_json(by_alias=True).encode())


@pytest.fixture
def target(bucket: Bucket) -> Target:
    put(bucket, bucket.target)
    return bucket.target


def make(bucket: Bucket, **settings: str) -> bool:
    return change(bucket.store, bucket.writer("a"), lambda now: wished(now, wish(**settings)), reason="r")


def heeded(bucket: Bucket) -> Target:
    journal = bucket.writer("reader")
    journal.state()
    return heeded_target(bucket.store, journal)[0]


def data(target: Target, *, gate: str = "a", samples: int = 200, **changes) -> Dataset:
    def split(name: str) -> dict:
        def file(kind: str) -> dict:
            mark = gate if name == "gate" else "b"
            return {"file": f"{name}-{kind}", "sha256": mark * 64, "size_bytes": 1}

        return {"samples": samples, "images": file("i.npy"), "labels": file("l.npy"), "ids": file("d.json")}

    said = {
        "schema_version": 1,
        "name": "n",
        "classes": target.classes,
        "input": target.input,
        "splits": {name: split(name) for name in ("train", "val", "gate", "test")},
    }
    return Dataset.model_validate(said | changes)


def test_a_change_stands_in_the_journal_and_in_the_document(bucket: Bucket, target: Target):
    assert make(bucket, epochs="12", margin="0.02")
    (entry,) = [each for each in bucket.entries() if isinstance(each, Changed)]
    assert {each.name: (each.before, each.after) for each in entry.changes} == {
        "epochs": ("3", "12"),
        "margin": ("0.01", "0.02"),
    }
    found = read_target(bucket.store, target.name)
    assert (found.absorb.epochs, found.gate.margin) == (12, 0.02)
    assert heeded(bucket) == found


def test_what_is_so_already_is_not_written_again(bucket: Bucket, target: Target):
    make(bucket, epochs="12")
    assert not make(bucket, epochs="12")
    assert [each.kind for each in bucket.entries()] == ["changed"]


def test_a_change_whose_writer_died_before_the_document_is_heeded_and_written_by_the_next(
    bucket: Bucket, target: Target
):
    old = bucket.store.get(keys.target_key(target.name)).body
    make(bucket, epochs="12")
    bucket.store.put(keys.target_key(target.name), old)  # as if it had never been written
    assert heeded(bucket).absorb.epochs == 12
    make(bucket, margin="0.02")
    found = read_target(bucket.store, target.name)
    assert (found.absorb.epochs, found.gate.margin) == (12, 0.02)


def test_a_document_that_a_person_edited_by_hand_counts(bucket: Bucket, target: Target):
    make(bucket, epochs="12")
    put(bucket, target.model_copy(update={"late": "park"}))
    assert (heeded(bucket).late, heeded(bucket).absorb.epochs) == ("park", 3)


def test_a_date_is_set_and_taken_away(bucket: Bucket, target: Target):
    make(bucket, **{"from": "2014-01-01", "series": "digits, more"})
    assert (str(heeded(bucket).from_), heeded(bucket).series) == ("2014-01-01", ("digits", "more"))
    make(bucket, **{"from": "none"})
    assert heeded(bucket).from_ is None


def test_devices_are_set_and_taken_away_and_older_readers_never_see_the_word(bucket: Bucket, target: Target):
    make(bucket, devices="2")
    assert heeded(bucket).devices == 2
    assert digests_of(heeded(bucket)) == digests_of(target)
    make(bucket, devices="none")
    assert b"devices" not in bucket.store.get(keys.target_key(target.name)).body


@pytest.mark.parametrize(
    ("pair", "says"),
    [
        ("epochs", "needs name=value"),
        ("epoch=3", "these can be set: mode, folds"),
        ("paused=true", "use grasp pause"),
        ("architecture=grasp/digits-cnn", "make a new target"),
        ("dataset=x", "use --dataset"),
    ],
)
def test_what_cannot_be_set_says_what_helps(pair: str, says: str):
    with pytest.raises(OperationRefused, match=says):
        read_pairs([pair])


def test_a_setting_out_of_its_bounds_changes_nothing(bucket: Bucket, target: Target):
    with pytest.raises(InvalidDocument, match=r"absorb\.epochs.*nothing was changed"):
        make(bucket, epochs="0")
    assert bucket.entries() == []


def test_data_of_another_size_are_refused(target: Target):
    larger = InputSpec(height=9, width=9, channels=1, mean=(0.5,), std=(0.5,))
    with pytest.raises(OperationRefused, match="9 x 9"):
        wished(target, Wish(settings={}, dataset="k", data=data(target, input=larger)))


def lines(bucket: Bucket, target: Target, after: Target, both=None) -> str:
    return "\n".join(preview(target, after, Historian(bucket.writer("r")).read(), data=both))


def test_the_preview_names_digests_and_what_stays_comparable(bucket: Bucket, target: Target):
    bucket.absorb(bucket.publish("2014"))
    said = lines(bucket, target, wished(target, wish(epochs="12")))
    assert "epochs: 3 -> 12" in said
    assert "settings digest" in said
    assert "grasp backfill digits-now --from 2014" in said
    assert "no backfill" in lines(bucket, target, wished(target, wish(margin="0.1")))


def test_the_preview_says_of_new_data_whether_the_gate_compares(bucket: Bucket, target: Target):
    bucket.absorb(bucket.publish("2014"))
    key = f"datasets/n/{'c' * 64}/dataset.json"
    after = wished(target, Wish(settings={}, dataset=key, data=data(target)))
    same = lines(bucket, target, after, (data(target), data(target)))
    other = lines(bucket, target, after, (data(target), data(target, gate="d", samples=50)))
    assert "the gate split is the same" in same
    assert "measures the champion" in other
    assert "careful: the new gate has 50 samples" in other
    assert "backfill is advised" in other


def test_the_recorded_document_is_the_one_in_the_bucket(bucket: Bucket, target: Target):
    make(bucket, lr="0.001")
    (entry,) = bucket.entries()
    assert bucket.store.get(keys.target_key(target.name)).body == entry.document.encode()
    assert json.loads(entry.document)["absorb"]["lr"] == 0.001
