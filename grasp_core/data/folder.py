"""An image folder: one subfolder per class, or one per split with one per class in each."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from grasp_core.errors import InvalidData

GIVEN = ("train", "val", "test")  # subfolders that say that the data come split
ENLARGED = 256 / 224  # of the shorter side before the centre crop, as the paper evaluates

Image = NDArray[np.uint8]  # H x W x C


@dataclass(frozen=True, slots=True)
class Sample:
    """One file. id: its path below the folder, with slashes."""

    id: str
    path: Path
    label: int


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that is no part of the data set, and why."""

    id: str
    reason: str


def scan(folder: Path) -> tuple[tuple[str, ...], dict[str, list[Sample]]]:
    """Find classes (sorted) and samples (sorted by id), under their split or all under "".

    Hidden files are passed over. Raises InvalidData without two classes, or when splits differ in theirs.
    """
    given = all((folder / split).is_dir() for split in GIVEN)
    splits = [split for split in (*GIVEN, "gate") if (folder / split).is_dir()] if given else [""]
    classes = _folders(folder / splits[0])
    if len(classes) < 2:
        raise InvalidData(
            f"{folder}: has {len(classes)} class folders, needs two or more, each with images; "
            "nothing was prepared"
        )
    for split in splits:
        if _folders(folder / split) != classes:
            raise InvalidData(
                f"{folder / split}: has the classes {', '.join(_folders(folder / split))}, needs those of "
                f"{splits[0]}: {', '.join(classes)}; nothing was prepared"
            )
    return classes, {split: _samples(folder, folder / split, classes) for split in splits}


def decode(path: Path, *, height: int, width: int, channels: int) -> Image:
    """Decode an image, resize its shorter side, crop the centre: H x W x C, uint8.

    channels: 1 for grey, 3 for colour. Raises InvalidData for a file that holds no whole image.
    """
    from PIL import Image as Pillow
    from PIL import ImageOps

    try:
        with Pillow.open(path) as file:
            image = ImageOps.exif_transpose(file).convert("L" if channels == 1 else "RGB")
    except (OSError, ValueError, SyntaxError, EOFError, Pillow.DecompressionBombError) as error:
        raise InvalidData(f"{path}: {type(error).__name__}: {error}; the image is skipped") from error
    factor = max(height * ENLARGED / image.height, width * ENLARGED / image.width)
    size = (max(width, round(image.width * factor)), max(height, round(image.height * factor)))
    image = image.resize(size, Pillow.Resampling.BILINEAR)
    left, top = (image.width - width) // 2, (image.height - height) // 2
    pixels = np.asarray(image.crop((left, top, left + width, top + height)), dtype=np.uint8)
    return pixels.reshape(height, width, channels)


def stratified(samples: Iterable[Sample], *, val: float, test: float) -> dict[str, list[Sample]]:
    """Split samples class by class, in the order of a stable hash of their ids; shares lie in (0, 1)."""
    parts: dict[str, list[Sample]] = {split: [] for split in GIVEN}
    for group in _by_class(samples):
        cuts = [round(test * len(group)), round(test * len(group)) + round(val * len(group))]
        parts["test"] += group[: cuts[0]]
        parts["val"] += group[cuts[0] : cuts[1]]
        parts["train"] += group[cuts[1] :]
    return {split: sorted(part, key=lambda sample: sample.id) for split, part in parts.items()}


def with_gate(splits: Mapping[str, list[Sample]]) -> dict[str, list[Sample]]:
    """Carve the gate split, half of val class by class, by a stable hash of the ids; a given one stays."""
    if "gate" in splits:
        return dict(splits)
    held, gate = [], []
    for number, group in enumerate(_by_class(splits["val"])):
        half = (len(group) + number % 2) // 2  # odd classes give their spare sample by turns
        gate += group[:half]
        held += group[half:]
    by_id = {"val": sorted(held, key=lambda s: s.id), "gate": sorted(gate, key=lambda s: s.id)}
    return {**splits, **by_id}


def _by_class(samples: Iterable[Sample]) -> list[list[Sample]]:
    groups: dict[int, list[Sample]] = {}
    for sample in samples:
        groups.setdefault(sample.label, []).append(sample)
    return [sorted(groups[label], key=_hash) for label in sorted(groups)]


def _hash(sample: Sample) -> str:
    return hashlib.sha256(sample.id.encode()).hexdigest()


def _folders(folder: Path) -> tuple[str, ...]:
    return tuple(
        sorted(each.name for each in folder.iterdir() if each.is_dir() and not each.name.startswith("."))
    )


def _samples(root: Path, folder: Path, classes: tuple[str, ...]) -> list[Sample]:
    return [
        Sample(path.relative_to(root).as_posix(), path, label)
        for label, name in enumerate(classes)
        for path in sorted((folder / name).rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    ]
