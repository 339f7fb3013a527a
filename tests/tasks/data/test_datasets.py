"""Target data: content-addressed, verified, refused whole when a part is unfit."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from tasks.bucket.store import Store
from tasks.contracts.base import InputSpec
from tasks.data.datasets import SPLITS, SplitArrays, load_dataset, publish_dataset
from tasks.errors import InvalidDocument, NotThere

INPUT = InputSpec(height=4, width=3, channels=1, mean=(0.5,), std=(0.5,))
CLASSES = ("no", "yes")


def arrays(split: str, n: int = 5, **changes: object) -> SplitArrays:
    chance = np.random.default_rng(SPLITS.index(split))
    fields = {
        "images": chance.integers(0, 256, (n, 4, 3, 1), dtype=np.uint8),
        "labels": np.arange(n, dtype=np.int64) % 2,
        "ids": tuple(f"{split}-{i}" for i in range(n)),
    }
    return SplitArrays(**fields | changes)


def publish(store: Store, **changed: SplitArrays) -> str:
    splits = {split: arrays(split) for split in SPLITS} | changed
    return publish_dataset(store, "data", classes=CLASSES, input=INPUT, splits=splits)


def test_data_come_back_bit_for_bit_and_are_named_by_their_digest(store: Store, tmp_path: Path):
    key = publish(store)
    loaded = load_dataset(store, key, cache_dir=tmp_path)
    assert key == f"datasets/data/{loaded.digest}/dataset.json"
    assert hashlib.sha256(store.get(key).body).hexdigest() == loaded.digest
    for split in SPLITS:
        assert np.array_equal(loaded.splits[split].images, arrays(split).images)
        assert np.array_equal(loaded.splits[split].labels, arrays(split).labels)
        assert loaded.splits[split].ids == arrays(split).ids


def test_data_are_fetched_once(store: Store, tmp_path: Path):
    key = publish(store)
    load_dataset(store, key, cache_dir=tmp_path)
    for item in list(store.list("datasets/")):
        if not item.key.endswith(".json"):
            store.delete(item.key)
    load_dataset(store, key, cache_dir=tmp_path)


@pytest.mark.parametrize("file", ["train-images.npy", "gate-labels.npy", "test-ids.json"])
def test_a_flipped_byte_in_the_cache_is_noticed_and_the_file_fetched_again(
    store: Store, tmp_path: Path, file: str
):
    key = publish(store)
    loaded = load_dataset(store, key, cache_dir=tmp_path)
    cached = tmp_path / "datasets" / loaded.digest / file
    whole = cached.read_bytes()
    cached.chmod(0o600)
    cached.write_bytes(whole[:-2] + bytes([whole[-2] ^ 1]) + whole[-1:])
    again = load_dataset(store, key, cache_dir=tmp_path)
    assert cached.read_bytes() == whole
    for split in SPLITS:
        assert np.array_equal(again.splits[split].images, arrays(split).images)
        assert np.array_equal(again.splits[split].labels, arrays(split).labels)
        assert again.splits[split].ids == arrays(split).ids


def test_a_link_in_the_cache_is_not_followed(store: Store, tmp_path: Path):
    key = publish(store)
    loaded = load_dataset(store, key, cache_dir=tmp_path)
    cached = tmp_path / "datasets" / loaded.digest / "train-images.npy"
    cached.rename(tmp_path / "elsewhere")
    cached.symlink_to(tmp_path / "elsewhere")
    load_dataset(store, key, cache_dir=tmp_path)
    assert not cached.is_symlink()


def test_publishing_the_same_data_again_gives_the_same_key(store: Store):
    assert publish(store) == publish(store)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"images": np.zeros((5, 3, 4, 1), np.uint8)}, "images are uint8"),
        ({"images": np.zeros((5, 4, 3, 1), np.float32)}, "images are float32"),
        ({"labels": np.zeros(5, np.int32)}, "labels are int32"),
        ({"labels": np.zeros(4, np.int64)}, "need"),
        ({"labels": np.full(5, 2)}, r"labels 2\.\.2, needs 0\.\.1"),
        ({"labels": np.full(5, -1)}, r"labels -1\.\.-1"),
        ({"ids": ("a",) * 5}, "id 'a' is in val and val"),
        ({"ids": ("a", "b")}, "2 ids, needs 5"),
        ({"ids": tuple(f"train-{i}" for i in range(5))}, "id 'train-0' is in train and val"),
    ],
)
def test_unfit_arrays_are_refused_before_anything_is_uploaded(store: Store, changes: dict, said: str):
    with pytest.raises(InvalidDocument, match=said):
        publish(store, val=arrays("val", **changes))
    assert list(store.list("datasets/")) == []


@pytest.mark.parametrize("content", [b"junk", b""])
def test_a_file_that_is_not_as_declared_is_no_arrivals_fault(store: Store, tmp_path: Path, content: bytes):
    key = publish(store)
    store.put(key.replace("dataset.json", "val-images.npy"), content + bytes(1000))
    with pytest.raises(InvalidDocument, match=r"val-images\.npy: found .* publish the data again"):
        load_dataset(store, key, cache_dir=tmp_path)


def test_absent_data_are_named(store: Store, tmp_path: Path):
    key = publish(store)
    store.delete(key.replace("dataset.json", "gate-labels.npy"))
    with pytest.raises(NotThere, match=r"gate-labels\.npy"):
        load_dataset(store, key, cache_dir=tmp_path)
    store.delete(key)
    with pytest.raises(NotThere, match="publish them"):
        load_dataset(store, key, cache_dir=tmp_path)


def test_a_document_under_another_digest_is_refused(store: Store, tmp_path: Path):
    body = store.get(publish(store)).body
    other = f"datasets/data/{'0' * 64}/dataset.json"
    store.put(other, body)
    with pytest.raises(InvalidDocument, match="needs the one that its key names"):
        load_dataset(store, other, cache_dir=tmp_path)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("train-images.npy", b"no array"),
        ("train-images.npy", b"\x93NUMPY\x01\x00"),
        ("train-ids.json", b"[1, 2, 3, 4, 5]"),
        ("train-ids.json", b'{"a": 1}'),
        ("train-ids.json", b"\xff"),
    ],
)
def test_files_that_hold_something_else_are_refused_whole(store, tmp_path: Path, file: str, content: bytes):
    """A stranger wrote dataset.json by hand, with the right digests of wrong files."""
    key = publish(store)
    document = json.loads(store.get(key).body)
    part = {"images": "images", "ids": "ids"}[file.split("-")[1].split(".")[0]]
    digest = hashlib.sha256(content).hexdigest()
    document["splits"]["train"][part] = {"file": file, "sha256": digest, "size_bytes": len(content)}
    body = json.dumps(document).encode()
    prefix = f"datasets/data/{hashlib.sha256(body).hexdigest()}/"
    for item in list(store.list("datasets/")):
        store.put(prefix + item.key.rpartition("/")[2], store.get(item.key).body)
    store.put(prefix + file, content)
    store.put(f"{prefix}dataset.json", body)
    with pytest.raises(InvalidDocument, match="train"):
        load_dataset(store, f"{prefix}dataset.json", cache_dir=tmp_path)


def test_an_object_array_is_never_unpickled(store: Store, tmp_path: Path):
    np.save(tmp_path / "evil.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    test_files_that_hold_something_else_are_refused_whole(
        store, tmp_path, "train-images.npy", (tmp_path / "evil.npy").read_bytes()
    )
