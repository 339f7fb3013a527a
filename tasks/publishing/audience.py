"""Who would take a source: looked up before it is sent, as a rev that nobody takes is used up."""

from collections.abc import Iterator

from tasks.arrivals.arrival import check_signature
from tasks.bucket.store import Store
from tasks.contracts.base import ModelSignature
from tasks.contracts.target import Target
from tasks.errors import BadArrival, InvalidDocument, NewerSchema, NotThere, StoreRefused
from tasks.journal.targets import read_target, target_names

TOLD = 5  # targets that are told one by one


def untaken(store: Store, source: ModelSignature, *, series: str) -> tuple[str, ...]:
    """Say which targets would refuse a source and why, when none takes it; nothing when one does.

    Nothing either when there are no targets, or when the publisher may not look at them.
    """
    try:
        names = target_names(store)
        targets = [target for target in _targets(store, names) if series in target.series]
    except StoreRefused:
        return ()
    if not targets:
        which = ", ".join(names[:TOLD]) + " ..." * (len(names) > TOLD)
        return (f"no target absorbs series {series} (there are: {which})",) if names else ()
    refusals = [_refusal(source, target) for target in targets]
    return () if None in refusals else tuple(said for said in refusals[:TOLD] if said)


def _targets(store: Store, names: list[str]) -> Iterator[Target]:
    """Read those that can be read: a broken one is no publisher's concern."""
    for name in names:
        try:
            yield read_target(store, name)
        except (InvalidDocument, NewerSchema, NotThere):
            continue


def _refusal(source: ModelSignature, target: Target) -> str | None:
    try:
        check_signature(source, target, object="the source")
    except BadArrival as error:
        return (
            f"target {target.name} would refuse its {error.code}: found {error.found}; needed {error.needed}"
        )
    return None
