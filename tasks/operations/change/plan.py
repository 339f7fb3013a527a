"""What a person asks of a living target, and what it would mean: read, but nothing written yet."""

from collections.abc import Sequence
from dataclasses import dataclass

from tasks.bucket.store import Store
from tasks.contracts.dataset import Dataset
from tasks.contracts.reading import read_document
from tasks.journal.history import Historian
from tasks.journal.log import Journal
from tasks.journal.targets import heeded_target
from tasks.operations.change.classes import Labelled, check_head, labelled
from tasks.operations.change.preview import LONG, changes_of, preview
from tasks.operations.change.wish import Wish, read_pairs, wished


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedChange:
    """A wish, what it changes in few words (empty: nothing), and what it means, in lines for a person."""

    wish: Wish
    changes: str
    lines: tuple[str, ...]


def plan_change(
    store: Store,
    journal: Journal,
    *,
    settings: Sequence[str],
    dataset: str | None = None,
    classes: Sequence[str] | None = None,
) -> PlannedChange:
    """Say what a wish means for the journal's target as it is now.

    settings: name=value pairs. dataset: key of another data set. classes: the target's, and new ones behind
    them that the data set has, too. Raises OperationRefused, InvalidDocument, NotThere, NotInstalled.
    """
    history = Historian(journal).read()
    target, _ = heeded_target(store, journal)
    data = _data(store, dataset) if dataset else None
    named = tuple(classes) if classes is not None else None
    wish = Wish(settings=read_pairs(settings), dataset=dataset or None, data=data, classes=named)
    after = wished(target, wish)
    if after == target:
        said = f"target {target.name} is that already"
        return PlannedChange(wish=wish, changes="", lines=(said,))
    new: tuple[Labelled, ...] = ()
    if dataset and data and after.classes != target.classes:
        new = labelled(store, dataset, data, known=len(target.classes))
        check_head(after)
    both = (_data(store, target.dataset), data) if data and dataset != target.dataset else None
    changed = (f"{each.name} {each.before} -> {each.after}"[:LONG] for each in changes_of(target, after))
    return PlannedChange(
        wish=wish,
        changes=", ".join(changed),
        lines=(
            f"target {target.name}, what changes and what it means",
            *preview(target, after, history, data=both, new=new),
        ),
    )


def _data(store: Store, key: str) -> Dataset:
    return read_document(Dataset, store.get(key).body, name=key)
