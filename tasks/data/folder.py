"""Prepare an image folder as target data on disk, and publish what was prepared."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from grasp_core.data.folder import Sample, Skipped, among, scan, stratified, with_gate
from tasks.bucket.store import Store
from tasks.contracts.base import Classes, Document, InputSpec, Name, Sha256
from tasks.contracts.writing import need_room
from tasks.data.datasets import SPLITS, SplitArrays, publish_dataset
from tasks.data.sealing import check_unchanged, digests_of
from tasks.data.shares import cure, thin_classes
from tasks.data.sound import check_splits, decoded, sound_samples
from tasks.errors import InvalidDocument, NotThere
from tasks.problems import first_problem

DOCUMENT = "prepared.json"


class Prepared(Document):
    """prepared.json: what the arrays beside it are."""

    name: Name
    classes: Classes
    input: InputSpec
    files: dict[str, Sha256] | None = None  # what lies beside it; absent where an older version prepared


@dataclass(frozen=True, slots=True)
class Preparation:
    """What came of a folder: its classes, samples per split, the files left out, what to know of others.

    thin: a line per class that some split has no image of; cure: what helps.
    """

    classes: Classes
    samples: Mapping[str, int]
    skipped: tuple[Skipped, ...]
    remarks: tuple[str, ...]
    thin: tuple[str, ...]
    cure: str


def prepare(
    folder: Path,
    out: Path,
    *,
    name: str,
    spec: InputSpec,
    val: float = 0.1,
    test: float = 0.1,
    first: tuple[str, ...] = (),
) -> Preparation:
    """Decode a folder's images into four splits of arrays below out; the same folder gives the same bytes.

    val, test: shares where the folder is not split already; half of val becomes the gate split. first:
    classes that come first, in this order, as a target has them; others of the folder follow by name. Files
    that hold no whole image, and copies of an image that came before, are skipped and named.
    Raises InvalidData, or InvalidDocument when a split or a class in train ends up empty.
    """
    own = scan(folder)
    found = among(own, (*first, *(each for each in own.classes if each not in first)))
    need_room(found.classes, name=str(folder))
    try:
        document = Prepared(name=name, classes=found.classes, input=spec)
    except ValidationError as error:
        raise InvalidDocument(f"{folder}: {first_problem(error)}; nothing was prepared") from error
    sound, skipped, remarks = sound_samples(found, spec)
    splits = with_gate(stratified(sound[""], val=val, test=test) if "" in sound else sound)
    helps = cure(sound, ("val", "test"))
    check_splits(folder, found.classes, splits, skipped, cure=helps)
    out.mkdir(parents=True, exist_ok=True)
    (out / DOCUMENT).unlink(missing_ok=True)  # until the last array is written, nothing is prepared here
    for split in SPLITS:
        _write(out, split, splits[split], spec)
    document = document.model_copy(update={"files": digests_of(out)})
    (out / DOCUMENT).write_text(document.model_dump_json(indent=1) + "\n")
    samples = {split: len(splits[split]) for split in SPLITS}
    return Preparation(found.classes, samples, skipped, remarks, thin_classes(found.classes, splits), helps)


def publish_prepared(store: Store, folder: Path) -> str:
    """Publish what prepare wrote; gives the key of its dataset.json. Raises NotThere, InvalidDocument."""
    try:
        document = Prepared.model_validate_json((folder / DOCUMENT).read_bytes())
        check_unchanged(folder, document.files or {})
        splits = {split: _read(folder, split) for split in SPLITS}
    except FileNotFoundError as error:
        raise NotThere(
            f"{error.filename}: is not there, grasp dataset prepare writes it; nothing was published"
        ) from error
    except ValueError as error:
        raise InvalidDocument(f"{folder}: {error}; prepare it anew; nothing was published") from error
    return publish_dataset(
        store, document.name, classes=document.classes, input=document.input, splits=splits
    )


def write_images(file: Path, samples: Sequence[Sample], spec: InputSpec) -> NDArray[np.uint8]:
    """Write one array image by image, so that memory holds one image; gives it mapped from disk."""
    shape = (len(samples), spec.height, spec.width, spec.channels)
    images = np.lib.format.open_memmap(file, mode="w+", dtype=np.uint8, shape=shape)
    for row, sample in enumerate(samples):
        images[row] = decoded(sample, spec)
    images.flush()
    return images


def labels_of(samples: Sequence[Sample]) -> NDArray[np.int64]:
    """Give the labels as one array."""
    return np.array([sample.label for sample in samples], dtype=np.int64)


def _write(out: Path, split: str, samples: Sequence[Sample], spec: InputSpec) -> None:
    write_images(out / f"{split}-images.npy", samples, spec)
    np.save(out / f"{split}-labels.npy", labels_of(samples))
    (out / f"{split}-ids.json").write_text(json.dumps([sample.id for sample in samples]))


def _read(folder: Path, split: str) -> SplitArrays:
    return SplitArrays(
        images=np.load(folder / f"{split}-images.npy", mmap_mode="r", allow_pickle=False),
        labels=np.load(folder / f"{split}-labels.npy", allow_pickle=False),
        ids=tuple(json.loads((folder / f"{split}-ids.json").read_bytes())),
    )
