"""An image folder: one subfolder per class, or one per split with one per class in each."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from grasp_core.data.names import unlike_names
from grasp_core.errors import InvalidData

GIVEN = ("train", "val", "test")  # subfolders that say that the data come split
LIKE_GIVEN = {"train", "training", "val", "valid", "validation", "test", "testing"}  # in any case


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


@dataclass(frozen=True, slots=True)
class Found:
    """What a folder holds: classes, sorted; samples by id, under their split or all under ""; the rest."""

    classes: tuple[str, ...]
    samples: Mapping[str, list[Sample]]
    skipped: tuple[Skipped, ...]


def scan(folder: Path) -> Found:
    """Find the classes, the samples of each, and what is no file or has a name that no id can be.

    Hidden files and folders are passed over. Raises InvalidData without two classes, when splits differ in
    theirs, or when some of train, val and test are there and others are not.
    """
    splits = _splits(folder)
    classes = _folders(folder / splits[0])
    if len(classes) < 2:
        raise InvalidData(
            f"{folder}: has {len(classes)} class folders, needs two or more, each with images; "
            "nothing was done"
        )
    for split in splits:
        found, needed = unlike_names(_folders(folder / split), classes)
        if found:
            raise InvalidData(
                f"{folder / split}: has other classes than {splits[0]}: {found}; needs {needed}; "
                "nothing was done"
            )
    entries = {split: _entries(folder, folder / split, classes) for split in splits}
    return Found(
        classes,
        {split: [each for each in part if isinstance(each, Sample)] for split, part in entries.items()},
        tuple(each for part in entries.values() for each in part if isinstance(each, Skipped)),
    )


def among(found: Found, classes: tuple[str, ...]) -> Found:
    """Give the same samples with labels counted among other classes, which hold all of the folder's.

    No classes: the folder's own.
    """
    if not classes:
        return found
    place = {label: classes.index(name) for label, name in enumerate(found.classes)}
    samples = {
        split: [replace(sample, label=place[sample.label]) for sample in part]
        for split, part in found.samples.items()
    }
    return Found(classes, samples, found.skipped)


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


def _splits(folder: Path) -> list[str]:
    if all((folder / split).is_dir() for split in GIVEN):
        return [split for split in (*GIVEN, "gate") if (folder / split).is_dir()]
    alike = [name for name in _folders(folder) if name.lower() in LIKE_GIVEN and _folders(folder / name)]
    if not alike:
        return [""]
    missing = [split for split in GIVEN if not (folder / split).is_dir()]
    raise InvalidData(
        f"{folder}: has {' and '.join(alike)} with folders in them, but no {' and no '.join(missing)}; needs "
        "train, val (which valid and validation are to be called) and test, or folders of classes alone; "
        "nothing was done"
    )


def _folders(folder: Path) -> tuple[str, ...]:
    return tuple(
        sorted(each.name for each in folder.iterdir() if each.is_dir() and not each.name.startswith("."))
    )


def _entries(root: Path, folder: Path, classes: tuple[str, ...]) -> list[Sample | Skipped]:
    return [
        _entry(root, path, label)
        for label, name in enumerate(classes)
        for path in sorted((folder / name).rglob("*"))
        if not _passed_over(path, folder / name)
    ]


def _passed_over(path: Path, folder: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    return hidden or (path.is_dir() and not path.is_symlink())


def _entry(root: Path, path: Path, label: int) -> Sample | Skipped:
    name = path.relative_to(root).as_posix()
    shown = name.encode(errors="backslashreplace").decode()
    if shown != name:
        return Skipped(shown, f"{root / shown}: has a name that is not UTF-8; it is skipped")
    if not path.is_file():
        return Skipped(name, f"{path}: is no file, nor a link to one; it is skipped")
    return Sample(name, path, label)
