"""Manifests in the bucket against the journal: what is new, overwritten or gone; and when to list at all."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain
from typing import Self

from tasks.bucket.listing import Listed
from tasks.bucket.store import Store
from tasks.contracts import keys
from tasks.contracts.state import Listing, State, etag_mark
from tasks.contracts.target import Target
from tasks.settings import WatchSettings

NOTICES_OF = timedelta(hours=2)


@dataclass(frozen=True, kw_only=True, slots=True)
class ListingRule:
    """When a poll lists every manifest: always up to some number, beyond it every so often."""

    up_to: int = 10_000
    every: timedelta = timedelta(minutes=10)
    skew: timedelta = timedelta(minutes=1)  # by which two clocks of one store may differ

    @classmethod
    def of(cls, settings: WatchSettings) -> Self:
        """Give the rule that the settings state."""
        return cls(up_to=settings.full_list_limit, every=timedelta(minutes=settings.reconcile_every_min))


@dataclass(frozen=True, kw_only=True, slots=True)
class Compared:
    """A full listing held against the journal's state. gone: arrival ids."""

    listing: Listing
    new: list[Listed]
    overwritten: list[str]
    gone: list[str]


def list_manifests(store: Store, target: Target) -> Iterator[Listed]:
    """List what lies below a target's series, strays included."""
    for series in target.series:
        yield from store.list(f"{keys.MANIFESTS}{series}/")


def is_due(store: Store, state: State, rule: ListingRule) -> bool:
    """Say whether this poll has to list every manifest: few are there, it is time, or a notice is new."""
    last = state.listing
    if last is None or last.manifests <= rule.up_to:
        return True
    now = store.clock
    if now >= last.at + rule.every or now < last.at - rule.skew:  # it is time, or the clock was set back
        return True
    return any(
        item.modified >= last.at - rule.skew and arrival not in state.open and arrival not in state.closed
        for item in recent_notices(store)
        for arrival in [item.key.rpartition("/")[2]]
    )


def recent_notices(store: Store) -> Iterator[Listed]:
    """List the notices of the last two hours, and of publishers whose clock is ahead by up to one."""
    now = store.clock
    oldest, newest = keys.notice_hour(now - NOTICES_OF), keys.notice_hour(now + timedelta(hours=1))
    for item in store.list(keys.NOTICES, after=oldest):
        if item.key[: len(newest)] > newest:
            return
        yield item


def compare(store: Store, target: Target, state: State) -> Compared:
    """List every manifest of a target and compare. state: read before, so that nothing seems gone."""
    began = store.clock
    new: list[Listed] = []
    overwritten: list[str] = []
    there: set[bytes] = set()
    count = 0
    for item in list_manifests(store, target):
        count += 1
        digest = hashlib.sha256(item.key.encode()).digest()
        mark = _mark(digest, state)
        if mark is None:
            if keys.parse_manifest_key(item.key):
                new.append(item)
            continue
        there.add(digest)
        if mark and item.etag and mark != etag_mark(item.etag):
            overwritten.append(item.key)
    listing = Listing(at=began, manifests=count)
    return Compared(listing=listing, new=new, overwritten=overwritten, gone=_gone(state, there))


def _mark(digest: bytes, state: State) -> int | None:
    mark = state.closed.mark(digest)
    if mark is None and (opened := state.open.get(digest.hex())):
        return opened.etag_mark
    return mark


def _gone(state: State, there: set[bytes]) -> list[str]:
    known = len(state.open) + len(state.closed)
    if known == len(there):
        return []
    missing = (each for each in chain(state.open, state.closed) if bytes.fromhex(each) not in there)
    return sorted(each for each in missing if each not in state.withdrawn)
