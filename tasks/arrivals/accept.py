"""The first read of a manifest: its bytes go into the journal, and everything later uses that copy."""

import hashlib
import logging
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import NamedTuple

from tasks.arrivals.arrival import check_accepted
from tasks.arrivals.refuse import refuse_arrival
from tasks.bucket.listing import Listed
from tasks.bucket.store import Store
from tasks.contracts import keys
from tasks.contracts.journal import Accepted, Entry, Withdrawn
from tasks.contracts.reading import MAX_DOCUMENT_BYTES
from tasks.contracts.state import State
from tasks.contracts.target import Target
from tasks.errors import BadArrival, NotThere, StoreRefused
from tasks.journal.log import Journal, Stamp

log = logging.getLogger(__name__)

READERS = 16
AT_ONCE = 64


class Draft(NamedTuple):
    """A manifest as it lies in the bucket, its ETag as listings have it; body is None over 256 KiB."""

    key: str
    body: bytes | None
    size_bytes: int
    etag: str

    def accepted(self, stamp: Stamp) -> Accepted:
        """Give the entry that copies it into the journal."""
        return Accepted(
            **stamp._asdict(),
            arrival_id=keys.arrival_id(self.key),
            key=self.key,
            manifest=_text(self.body),
            size_bytes=self.size_bytes,
            digest=None if self.body is None else hashlib.sha256(self.body).hexdigest(),
            etag=self.etag,
        )


def accept_new(store: Store, target: Target, journal: Journal, new: Iterable[Listed]) -> int:
    """Copy manifests into the journal, refuse at once those that can be told to be bad; say how many."""
    return sum(_accept(target, journal, draft) for draft in _read_all(store, new))


def withdraw_gone(journal: Journal, gone: Iterable[str]) -> None:
    """Record arrivals whose manifests are no longer listed; nothing is rebuilt by that."""
    for arrival in gone:

        def think(state: State, stamp: Stamp, arrival: str = arrival) -> Entry | None:
            if arrival in state.withdrawn:
                return None
            return Withdrawn(**stamp._asdict(), arrival_id=arrival, reason="its manifest is no longer listed")

        journal.propose(think)


def _accept(target: Target, journal: Journal, draft: Draft) -> bool:
    arrival = keys.arrival_id(draft.key)
    if arrival in journal.last.open or arrival in journal.last.closed:
        return False  # another writer was faster

    def think(state: State, stamp: Stamp) -> Entry | None:
        if arrival in state.open or arrival in state.closed:
            return None
        return draft.accepted(stamp)

    state = journal.propose(think)
    opened = state.open.get(arrival)
    if opened is None or opened.accepted_seq != state.seq:
        return False  # another writer accepted it first, and looks at it
    try:
        check_accepted(draft.accepted(Stamp(state.seq, opened.since, "check")), target=target, state=state)
    except BadArrival as error:
        refuse_arrival(journal, arrival, error)
        return True
    return False


def _read_all(store: Store, new: Iterable[Listed]) -> Iterator[Draft]:
    rest = iter(new)
    with ThreadPoolExecutor(READERS) as pool:
        while some := list(islice(rest, AT_ONCE)):
            yield from (draft for draft in pool.map(lambda item: _read(store, item), some) if draft)


def _read(store: Store, item: Listed) -> Draft | None:
    key, size = item.key, item.size_bytes
    try:
        body = store.get(key, max_bytes=MAX_DOCUMENT_BYTES).body
    except NotThere:
        return None  # deleted since it was listed: it was never read, so it never arrived
    except StoreRefused as error:
        log.error("%s; it was not accepted, the others go on; looked at again by the next watch", error)
        return None
    if len(body) != min(size, MAX_DOCUMENT_BYTES + 1):
        log.warning(
            "%s: %d of %d listed bytes were read; looked at again by the next watch", key, len(body), size
        )
        return None
    return Draft(key, body if size <= MAX_DOCUMENT_BYTES else None, size, item.etag)


def _text(body: bytes | None) -> str | None:
    try:
        return body.decode("utf-8") if body is not None else None
    except UnicodeDecodeError:
        return None
