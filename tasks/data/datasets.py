"""Target data in the bucket: four splits of decoded images, content-addressed by dataset.json."""

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import TypeAdapter

from tasks.bucket.store import Store
from tasks.contracts import keys
from tasks.contracts.base import InputSpec
from tasks.contracts.dataset import Dataset, File, Split, Splits
from tasks.contracts.reading import read_document
from tasks.contracts.writing import document_bytes, need_room
from tasks.errors import AlreadyThere, BadArrival, BlobChanged, InvalidDocument, NotThere
from tasks.weights.blobs import fetch_file, is_intact

SPLITS = ("train", "val", "gate", "test")
_IDS: TypeAdapter[list[str]] = TypeAdapter(list[str])


@dataclass(frozen=True, kw_only=True, slots=True)
class SplitArrays:
    """One split: images uint8 N x H x W x C, labels int64 N in [0, classes), ids unique over all splits."""

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]
    ids: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadedDataset:
    """A verified data set on this worker; arrays are memory-mapped, read-only."""

    document: Dataset
    digest: str
    splits: Mapping[str, SplitArrays]


def publish_dataset(
    store: Store,
    name: str,
    *,
    classes: tuple[str, ...],
    input: InputSpec,  # noqa: A002 - the contract's word
    splits: Mapping[str, SplitArrays],
) -> str:
    """Upload the four splits, dataset.json last; gives its key. Raises InvalidDocument for unfit arrays."""
    need_room(classes, name=f"data set {name}")
    files = {split: _encode(split, splits[split]) for split in SPLITS}
    described = {
        split: Split(samples=len(splits[split].labels), **{k: _file(f, b) for k, (f, b) in parts.items()})
        for split, parts in files.items()
    }
    dataset = Dataset(name=name, classes=classes, input=input, splits=Splits(**described))
    for split in SPLITS:
        _check(dataset, split, splits[split], name=f"data set {name}")
    _check_ids(splits, name=f"data set {name}")
    body = document_bytes(dataset, name=f"data set {name}: its dataset.json")
    prefix = f"{keys.DATASETS}{name}/{hashlib.sha256(body).hexdigest()}/"
    uploads = [part for parts in files.values() for part in parts.values()]
    for file, content in [*uploads, ("dataset.json", body)]:
        try:
            store.create(prefix + file, content)
        except AlreadyThere as error:
            raise AlreadyThere(
                f"{prefix}{file}: holds other bytes than its digest says; delete it, publish again"
            ) from error
    return f"{prefix}dataset.json"


def load_dataset(store: Store, key: str, *, cache_dir: Path) -> LoadedDataset:
    """Give a local copy of a data set, verified each time; what is damaged is fetched again.

    Raises NotThere, InvalidDocument (a document or array that breaks the contract, a file whose bytes are not
    those declared).
    """
    try:
        body = store.get(key).body
    except NotThere as error:
        raise NotThere(f"{key}: the target's data are not in the bucket; publish them") from error
    digest = hashlib.sha256(body).hexdigest()
    if key.split("/")[-2] != digest:
        raise InvalidDocument(f"{key}: has SHA-256 {digest}, needs the one that its key names")
    dataset = read_document(Dataset, body, name=key)
    directory = cache_dir / "datasets" / digest
    splits = {split: _load_split(store, key, dataset, split, directory) for split in SPLITS}
    _check_ids(splits, name=key)
    return LoadedDataset(document=dataset, digest=digest, splits=splits)


def _encode(split: str, arrays: SplitArrays) -> dict[str, tuple[str, bytes]]:
    return {
        "images": (f"{split}-images.npy", _npy(arrays.images)),
        "labels": (f"{split}-labels.npy", _npy(arrays.labels)),
        "ids": (f"{split}-ids.json", json.dumps(list(arrays.ids)).encode()),
    }


def _npy(array: npt.NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(array), allow_pickle=False)
    return buffer.getvalue()


def _file(name: str, body: bytes) -> File:
    return File(file=name, sha256=hashlib.sha256(body).hexdigest(), size_bytes=len(body))


def _load_split(store: Store, key: str, dataset: Dataset, split: str, directory: Path) -> SplitArrays:
    described: Split = getattr(dataset.splits, split)
    paths = {}
    for part in ("images", "labels", "ids"):
        file: File = getattr(described, part)
        paths[part] = directory / file.file
        if not is_intact(paths[part], sha256=file.sha256, size_bytes=file.size_bytes):
            where = f"{key.rpartition('/')[0]}/{file.file}"
            _fetch(store, where, paths[part], file)
    try:
        arrays = SplitArrays(
            images=np.load(paths["images"], mmap_mode="r", allow_pickle=False),
            labels=np.load(paths["labels"], mmap_mode="r", allow_pickle=False),
            ids=tuple(_IDS.validate_json(paths["ids"].read_bytes(), strict=True)),
        )
    except ValueError as error:
        raise InvalidDocument(
            f"{key}: the files of {split} are no arrays or no list of ids: {error}"
        ) from error
    _check(dataset, split, arrays, name=key)
    return arrays


def _fetch(store: Store, key: str, path: Path, file: File) -> None:
    try:
        fetch_file(store, key, path, sha256=file.sha256, size_bytes=file.size_bytes)
    except BadArrival as error:  # no arrival's fault, so no arrival's decision
        raise InvalidDocument(
            f"{key}: found {error.found}, needed {error.needed}; publish the data again"
        ) from error
    except BlobChanged as error:
        raise NotThere(f"{key}: is absent or cut short; publish the data again") from error


def _check(dataset: Dataset, split: str, arrays: SplitArrays, *, name: str) -> None:
    samples = getattr(dataset.splits, split).samples
    size = dataset.input
    needed = {
        "images": ((samples, size.height, size.width, size.channels), np.dtype(np.uint8)),
        "labels": ((samples,), np.dtype(np.int64)),
    }
    for part, (shape, dtype) in needed.items():
        array = getattr(arrays, part)
        if array.shape != shape or array.dtype != dtype:
            raise InvalidDocument(
                f"{name}: {split} {part} are {array.dtype} {array.shape}, need {dtype} {shape}"
            )
    if len(arrays.ids) != samples:
        raise InvalidDocument(f"{name}: {split} has {len(arrays.ids)} ids, needs {samples}")
    low, high = int(arrays.labels.min()), int(arrays.labels.max())
    if low < 0 or high >= len(dataset.classes):
        raise InvalidDocument(
            f"{name}: {split} has labels {low}..{high}, needs 0..{len(dataset.classes) - 1}"
        )


def _check_ids(splits: Mapping[str, SplitArrays], *, name: str) -> None:
    seen: dict[str, str] = {}
    for split in SPLITS:
        for identity in splits[split].ids:
            if identity in seen:
                raise InvalidDocument(
                    f"{name}: id {identity!r} is in {seen[identity]} and {split}; needs one split a sample"
                )
            seen[identity] = split
