"""Classes added at the end of a living target: what is asked for, what the data say of it, what it means."""

import io
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from tasks.bucket.store import Store
from tasks.contracts.dataset import Dataset
from tasks.contracts.target import Target
from tasks.data.datasets import SPLITS
from tasks.errors import InvalidDocument, OperationRefused
from tasks.extras import need_absorb

NEEDED = ("train", "gate")  # splits without which nothing is learned of a class, or nothing judged
SHOWN = 10


class Labelled(NamedTuple):
    """A class, and how many samples of it each split has."""

    name: str
    samples: dict[str, int]


def added(target: Target, classes: Sequence[str]) -> tuple[str, ...]:
    """Give what a list of classes adds at the end of a target's. Raises OperationRefused for any other."""
    known = len(target.classes)
    if tuple(classes[:known]) == target.classes:
        return tuple(classes[known:])
    gone = [name for name in target.classes if name not in classes]
    found = f"{', '.join(gone[:SHOWN])} left out" if gone else "others before or between those of today"
    raise OperationRefused(
        f"target {target.name}: needs its {known} classes first and in their order, new ones behind them; "
        f"found {found}. Every source and version so far gives its answers in that order, so classes are "
        "neither removed nor moved; make a new target beside this one, with a series of its own "
        f"(grasp target create {target.name[:60]}-v2 …; docs/howto/add-a-class.md); nothing was changed"
    )


def check_growth(target: Target, *, classes: Sequence[str] | None, data: Dataset | None) -> None:
    """Raise OperationRefused unless classes and data set go together, and classes are added at the end only.

    classes: as named by a person, None where he named none; data: of another data set, if there is one.
    """
    named = added(target, classes) if classes is not None else ()
    held = added(target, data.classes) if data else ()
    if named == held:
        return
    if data is None:
        raise OperationRefused(
            f"target {target.name}: the data of today have no label of {_listed(named)}; say --dataset with "
            "one that has the longer list of classes; nothing was changed"
        )
    said = f"--classes adds {_listed(named)}" if named else "nothing says that classes are added"
    raise OperationRefused(
        f"target {target.name}: data set {data.name} has {_listed(held) or 'no class'} behind the "
        f"{len(target.classes)} of today, {said}; say --classes with exactly its list, or take another data "
        "set; nothing was changed"
    )


def labelled(store: Store, key: str, data: Dataset, *, known: int) -> tuple[Labelled, ...]:
    """Count the labels of the classes from `known` on.

    Raises OperationRefused where one has none to learn from or to judge by, InvalidDocument.
    """
    counts = {split: _counts(store, key, data, split) for split in SPLITS}
    found = tuple(
        Labelled(name, {split: int(counts[split][number]) for split in SPLITS})
        for number, name in enumerate(data.classes)
        if number >= known
    )
    for each in found:
        if lacking := [split for split in NEEDED if not each.samples[split]]:
            raise OperationRefused(
                f"data set {data.name}: class {each.name} has no sample in {' and '.join(lacking)}; needs "
                "some to learn from and some to judge by; label more images; nothing was changed"
            )
    return found


def check_head(target: Target) -> None:
    """Raise OperationRefused when the target's network cannot get rows, NotInstalled where torch is not."""
    need_absorb("adding a class (its network is looked at)")
    from tasks.weights.grown import check_grows

    check_grows(target.architecture, target.input)


def meaning(before: Target, after: Target, found: Sequence[Labelled], *, first: str | None) -> Iterator[str]:
    """Say in lines what added classes mean. first: the first period of the champion's lineage."""
    names = _listed(after.classes[len(before.classes) :])
    yield f"classes {len(before.classes)} -> {len(after.classes)}: {names} at the end, as of the next source"
    for each in found[:SHOWN]:
        sizes = ", ".join(f"{split} {number}" for split, number in each.samples.items())
        yield f"  {each.name}: {sizes} samples"
    yield (
        f"  sources of the {after.grown_from} classes that it began with are absorbed as before, by the "
        f"classes that they know; sources may know all {len(after.classes)} from now on"
    )
    yield (
        f"  the rows for {names} in the head of the stem, and of a source that does not know them, are "
        "fitted to the labels of the new data, all else held still"
    )
    yield (
        f"  versions so far stay as they are and give {names} to no image, so on the new gate they are wrong "
        "there; for good: classes are not taken away again"
    )
    if first:
        yield (
            f"  the champion knows {names} when the next source is promoted; at once with: "
            f"grasp backfill {after.name} --from {first} --apply"
        )


def _counts(
    store: Store, key: str, data: Dataset, split: str
) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    file = getattr(data.splits, split).labels
    where = f"{key.rpartition('/')[0]}/{file.file}"
    try:
        body = store.get(where, max_bytes=file.size_bytes).body
        labels = np.load(io.BytesIO(body), allow_pickle=False)
        return np.bincount(labels, minlength=len(data.classes))
    except ValueError as error:
        raise InvalidDocument(f"{where}: holds no list of labels: {error}; publish the data again") from error


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
