"""What a change of a target means, in lines for a person: digests, what stays comparable, backfill or not."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from tasks.arrivals.unit import digests_of
from tasks.contracts.changed import Change
from tasks.contracts.dataset import SMALL_SPLIT, Dataset
from tasks.contracts.target import Target
from tasks.journal.history import History
from tasks.operations.change.classes import Labelled, meaning

SHOWN = 12  # characters of a digest
LONG = 200  # characters of a value


def changes_of(before: Target, after: Target) -> tuple[Change, ...]:
    """Name every setting that differs, with its values as JSON."""
    old, new = _flat(before), _flat(after)
    return tuple(
        Change(name=name, before=json.dumps(old.get(name)), after=json.dumps(new.get(name)))
        for name in dict.fromkeys((*old, *new))
        if old.get(name) != new.get(name)
    )


def preview(
    before: Target,
    after: Target,
    history: History,
    *,
    data: tuple[Dataset, Dataset] | None,
    new: Sequence[Labelled] = (),
) -> Iterator[str]:
    """Say what differs and what follows.

    data: the data sets before and after, where they are others; new: classes that were added.
    """
    for change in changes_of(before, after):
        yield f"  {change.name}: {change.before[:LONG]} -> {change.after[:LONG]}"
    if before.absorb != after.absorb:
        yield from _settings(before, after, history)
    if new:
        yield from meaning(before, after, new, first=_first(history))
    if data:
        yield from _data(before, after, history, *data)
    if before.gate != after.gate or before.late != after.late:
        yield "gate, late: from the next decision on; no digest changes, and no backfill is needed"
    if before.devices != after.devices:
        yield (
            "devices: from the next source on, on workers that have as many; no digest changes, figures stay "
            "comparable, and no backfill is needed"
        )
    if (before.series, before.from_, before.until) != (after.series, after.from_, after.until):
        yield (
            "series, from, until: the next watch accepts the sources that belong now; those that no longer "
            "do wait no more, and what was absorbed stays; no backfill is needed"
        )


def _settings(before: Target, after: Target, history: History) -> Iterator[str]:
    old, new = digests_of(before).config, digests_of(after).config
    yield f"settings digest {old[:SHOWN]} -> {new[:SHOWN]}: the next source is absorbed with the new ones"
    yield "  versions so far keep theirs; figures stay comparable, because the gate's images do"
    if first := _first(history):
        yield (
            "  a backfill is not needed; to have the past with them, too: "
            f"grasp backfill {after.name} --from {first} (says what it costs)"
        )


def _data(before: Target, after: Target, history: History, old: Dataset, new: Dataset) -> Iterator[str]:
    digests = digests_of(before).data[:SHOWN], digests_of(after).data[:SHOWN]
    yield f"data digest {digests[0]} -> {digests[1]}: {_sizes(old, new)}"
    if old.splits.gate == new.splits.gate:
        yield "  the gate split is the same, so figures stay comparable"
    else:
        yield (
            "  the gate split is another: before anything is decided on it, the next absorb measures the "
            "champion, the one before and the best earlier one there, so that the gate compares like with "
            "like; figures of earlier runs in MLflow are of the old images"
        )
    if new.splits.gate.samples < SMALL_SPLIT:
        found = new.splits.gate.samples
        yield f"  careful: the new gate has {found} samples, under {SMALL_SPLIT}: little evidence"
    if first := _first(history):
        yield (
            "  a backfill is advised if the champion itself should learn from the new labels before the next "
            f"source comes: grasp backfill {after.name} --from {first} --apply"
        )


def _sizes(old: Dataset, new: Dataset) -> str:
    pairs = [
        (name, getattr(old.splits, name), getattr(new.splits, name))
        for name in ("train", "val", "gate", "test")
    ]
    return ", ".join(f"{name} {one.samples} -> {other.samples} samples" for name, one, other in pairs)


def _first(history: History) -> str | None:
    """Name the first period of the champion's lineage; None where nothing was absorbed yet."""
    if history.state.champion is None:
        return None
    source = history.chain(history.state.champion)[0].source
    return source.period.label if source else None


def _flat(target: Target) -> dict[str, Any]:
    fields = target.model_dump(mode="json", by_alias=True)
    return {**fields.pop("absorb"), **fields.pop("gate"), **fields}
