"""A class added at the end of a living target: only there, only with data that have it, and said before."""

import numpy as np
import pytest

from tasks.arrivals.arrival import check_signature
from tasks.contracts import keys
from tasks.contracts.changed import Changed
from tasks.contracts.manifest import Manifest
from tasks.contracts.target import Target
from tasks.data.datasets import SplitArrays, publish_dataset
from tasks.errors import BadArrival, InvalidDocument, OperationRefused
from tasks.operations.change.change import change
from tasks.operations.change.classes import labelled
from tasks.operations.change.plan import plan_change
from tasks.operations.change.wish import Wish, wished
from tests.tasks.conftest import CLASSES, Bucket
from tests.tasks.operations.change.test_change import data, heeded, put

LONGER = (*CLASSES, "blank")


def wish(target: Target, *classes: str) -> Wish:
    held = data(target, classes=classes)
    return Wish(settings={}, dataset=f"datasets/n/{'c' * 64}/dataset.json", data=held, classes=classes)


def published(bucket: Bucket, classes: tuple[str, ...] = LONGER, *, lacking: str = "") -> str:
    """A data set with one sample per class and split; lacking: the split that has none of the last one."""
    splits = {}
    for split in ("train", "val", "gate", "test"):
        labels = np.arange(len(classes) - (split == lacking))
        images = np.zeros((len(labels), 8, 8, 1), dtype=np.uint8)
        ids = tuple(f"{split}-{number}" for number in labels)
        splits[split] = SplitArrays(images=images, labels=labels, ids=ids)
    return publish_dataset(bucket.store, "d", classes=classes, input=bucket.target.input, splits=splits)


@pytest.fixture
def target(bucket: Bucket) -> Target:
    bucket.target = bucket.target.model_copy(update={"dataset": published(bucket, CLASSES)})
    put(bucket, bucket.target)
    return bucket.target


def test_a_class_at_the_end_makes_the_head_one_row_longer(target: Target):
    after = wished(target, wish(target, *LONGER))
    assert (after.classes, after.architecture.num_classes, after.grown_from) == (LONGER, 11, 10)
    again = wished(after, wish(target, *LONGER, "torn"))
    assert (again.architecture.num_classes, again.grown_from) == (12, 10)
    assert wished(after, wish(target, *LONGER)) == after


@pytest.mark.parametrize(
    ("classes", "says"),
    [
        (CLASSES[:-1], "9 left out.*neither removed nor moved"),
        (("blank", *CLASSES), "others before or between"),
        (CLASSES[::-1], "others before or between"),
    ],
)
def test_classes_are_neither_removed_nor_moved(target: Target, classes, says):
    for asked in (wish(target, *classes), Wish(settings={}, classes=classes)):
        with pytest.raises(OperationRefused, match=rf"{says}.*add-a-class.*nothing was changed"):
            wished(target, asked)


def test_classes_and_data_have_to_say_the_same(target: Target):
    held = data(target, classes=LONGER)
    for asked, says in (
        (Wish(settings={}, classes=LONGER), "no label of blank; say --dataset"),
        (Wish(settings={}, dataset="k", data=held), "nothing says that classes are added"),
        (Wish(settings={}, dataset="k", data=held, classes=(*LONGER, "torn")), "adds blank, torn"),
        (Wish(settings={}, dataset="k", data=data(target), classes=LONGER), "has no class behind"),
    ):
        with pytest.raises(OperationRefused, match=says):
            wished(target, asked)


def test_the_plan_says_what_an_added_class_means_and_writes_nothing(bucket: Bucket, target: Target):
    bucket.absorb(bucket.publish("2014"))
    seq = bucket.check_journal().seq
    key = published(bucket)
    said = "\n".join(
        plan_change(bucket.store, bucket.writer("a"), settings=[], dataset=key, classes=LONGER).lines
    )
    assert "classes 10 -> 11: blank at the end" in said
    assert "blank: train 1, val 1, gate 1, test 1 samples" in said
    assert "sources of the 10 classes" in said
    assert "fitted to the labels" in said
    assert "grasp backfill digits-now --from 2014 --apply" in said
    assert "measures the champion" in said
    assert bucket.check_journal().seq == seq


@pytest.mark.parametrize("split", ["train", "gate"])
def test_a_class_needs_labels_to_learn_from_and_to_judge_by(bucket: Bucket, target: Target, split: str):
    key = published(bucket, lacking=split)
    with pytest.raises(OperationRefused, match=rf"class blank has no sample in {split}"):
        plan_change(bucket.store, bucket.writer("a"), settings=[], dataset=key, classes=LONGER)


def test_a_file_of_labels_that_holds_none_is_told(bucket: Bucket, target: Target):
    held = data(target, classes=LONGER)
    size = held.splits.train.labels.size_bytes
    bucket.store.put("datasets/n/c/train-l.npy", b"x" * size)
    with pytest.raises(InvalidDocument, match=r"train-l\.npy: holds no list of labels"):
        labelled(bucket.store, "datasets/n/c/dataset.json", held, known=10)


def test_the_journal_and_the_document_say_what_was_added(bucket: Bucket, target: Target):
    asked = wish(target, *LONGER)
    change(bucket.store, bucket.writer("a"), lambda now: wished(now, asked), reason="blanks turn up")
    (entry,) = [each for each in bucket.entries() if isinstance(each, Changed)]
    assert {each.name for each in entry.changes} == {"architecture", "classes", "dataset", "grown_from"}
    assert heeded(bucket).classes == LONGER
    assert b"grown_from" in bucket.store.get(keys.target_key(target.name)).body


def source(bucket: Bucket, *classes: str) -> Manifest:
    network = bucket.target.architecture.model_copy(update={"num_classes": len(classes)})
    changed = bucket.manifest(architecture=network.model_dump(), classes=list(classes))
    return Manifest.model_validate(changed)


def test_sources_of_the_old_list_and_of_the_new_one_fit_a_grown_target(bucket: Bucket):
    once, grown = bucket.target, wished(bucket.target, wish(bucket.target, *LONGER))
    for fits in (CLASSES, LONGER):
        check_signature(source(bucket, *fits), grown, object="m")
    for target, classes, code in (
        (once, CLASSES[:9], "architecture"),  # it never was a target of nine
        (grown, CLASSES[:9], "architecture"),
        (grown, ("x", *CLASSES[1:]), "classes"),
        (once, LONGER, "architecture"),
    ):
        with pytest.raises(BadArrival) as refused:
            check_signature(source(bucket, *classes), target, object="m")
        assert refused.value.code == code


def test_a_target_that_grew_from_all_its_classes_is_no_target(target: Target):
    with pytest.raises(ValueError, match="needs fewer than the 10 classes"):
        Target.model_validate(target.model_dump(by_alias=True) | {"grown_from": 10})


def test_a_target_is_given_as_it_was_before_it_grew(target: Target):
    grown = wished(wished(target, wish(target, *LONGER)), wish(target, *LONGER, "torn"))
    assert grown.with_classes(CLASSES).model_dump() == target.model_dump() | {"dataset": grown.dataset}
    assert grown.with_classes(LONGER).grown_from == 10
