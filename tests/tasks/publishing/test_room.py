"""A document that nobody would read again is refused before any work is done for it."""

import json
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from tasks.bucket.store import Store
from tasks.contracts.base import InputSpec
from tasks.contracts.manifest import Manifest
from tasks.contracts.target import Target
from tasks.data.datasets import SPLITS, SplitArrays, publish_dataset
from tasks.data.folder import prepare
from tasks.errors import InvalidDocument
from tasks.journal.targets import create_target
from tasks.publishing.describe import Place, describe, signature_of
from tasks.publishing.publish import publish, weights_of
from tasks.publishing.training import folder_data

SPEC = InputSpec(height=8, width=8, channels=3, mean=(0.5,) * 3, std=(0.5,) * 3)
LONG = tuple(f"{number:04d}-{'x' * 70}" for number in range(4000))
PLACE = Place(series="s", period="2014", start="2014-01-01", end="2014-12-31")


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """A folder of 2,000 classes with names of 140 characters, all empty: nothing is decoded."""
    for number in range(2000):
        (tmp_path / "photos" / f"{number:04d}{'x' * 136}").mkdir(parents=True)
    return tmp_path / "photos"


def is_empty(store: Store) -> bool:
    return not any(list(store.list(prefix)) for prefix in ("blobs/", "datasets/", "manifests/", "targets/"))


def test_nothing_is_decoded_for_a_data_set_whose_document_is_too_large(folders: Path, tmp_path: Path):
    for work in (
        lambda: prepare(folders, tmp_path / "out", name="n", spec=SPEC),
        lambda: folder_data(folders, SPEC, tmp_path / "scratch"),
    ):
        with pytest.raises(InvalidDocument, match=r"the 2000 class names take \d+ bytes"):
            work()
    assert not (tmp_path / "out").exists()


def test_no_array_is_uploaded(store: Store):
    arrays = SplitArrays(images=np.zeros((1, 8, 8, 3), np.uint8), labels=np.zeros(1, np.int64), ids=("a",))
    with pytest.raises(InvalidDocument, match="class names take"):
        publish_dataset(store, "n", classes=LONG, input=SPEC, splits=dict.fromkeys(SPLITS, arrays))
    assert is_empty(store)


def test_a_source_is_refused_by_its_classes_before_a_file_is_read():
    with pytest.raises(InvalidDocument, match="class names take"):
        signature_of("grasp/digits-cnn", LONG, SPEC)


def test_a_manifest_with_too_many_metrics_is_refused_before_its_blob_travels(store: Store, tmp_path: Path):
    (tmp_path / "w").write_bytes(b"weights")
    metrics = {f"{number:03d}-{'m' * 400}": 0.5 for number in range(900)}
    signature = signature_of("grasp/digits-cnn", ("a", "b"), SPEC)
    with pytest.raises(InvalidDocument, match=r"would be \d+ bytes, at most 262144 are read"):
        describe(tmp_path / "w", signature, place=PLACE, metrics=metrics)
    fields = {
        **json.loads(signature.model_dump_json()),
        "series": "s",
        "rev": 1,
        "period": {"label": "2014", "start": str(date(2014, 1, 1)), "end": str(date(2014, 12, 31))},
        "weights": weights_of(tmp_path / "w").model_dump(),
        "metrics": metrics,
    }
    manifest = Manifest.model_validate_json(json.dumps(fields))
    with pytest.raises(InvalidDocument, match="would be"):
        publish(store, tmp_path / "w", manifest=manifest)
    assert is_empty(store)


def test_a_target_that_no_watch_would_read_is_not_created(store: Store):
    signature = signature_of("grasp/digits-cnn", ("a", "b"), SPEC)
    target = Target(
        **signature.model_copy(
            update={
                "classes": LONG,
                "architecture": signature.architecture.model_copy(update={"num_classes": len(LONG)}),
            }
        ).model_dump(),
        name="t",
        series=("s",),
        dataset=f"datasets/n/{'0' * 64}/dataset.json",
    )
    with pytest.raises(InvalidDocument, match="would be"):
        create_target(store, target)
    assert is_empty(store)
