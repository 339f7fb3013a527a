"""The story of one arrival: why it was absorbed, refused or waits, attempts, and what happens next."""

from collections.abc import Iterator
from datetime import timedelta
from typing import NamedTuple

from tasks.arrivals.arrival import Delayed, read_manifest
from tasks.arrivals.examine import Refused, examine_one
from tasks.bucket.store import Store
from tasks.contracts.base import Document, Moment
from tasks.contracts.journal import Accepted, Attempted, Decided, Entry, Promoted, Requeued, Withdrawn
from tasks.contracts.state import State
from tasks.contracts.target import Target
from tasks.errors import BadArrival, InvalidDocument
from tasks.journal.log import Journal


class Event(Document):
    """Something that the journal says of an arrival."""

    seq: int
    at: Moment
    by: str
    what: str


class Explanation(Document):
    """An arrival as a target sees it. until: when that changes by itself."""

    target: str
    arrival_id: str
    key: str
    now: str
    until: Moment | None
    attempts: int
    events: tuple[Event, ...]


class _Now(NamedTuple):
    what: str
    until: Moment | None = None


def explain(
    store: Store, target: Target, journal: Journal, arrival_id: str, *, pending_limit: timedelta
) -> Explanation:
    """Tell an arrival's story from the journal, and what it is at this moment. Reads only."""
    state = journal.last
    entries = list(_entries(journal, state, arrival_id))
    accepted = next((entry for entry in entries if isinstance(entry, Accepted)), None)
    if accepted is None:
        raise InvalidDocument(f"journal of {target.name}: no entry accepts arrival {arrival_id}")
    opened = state.open.get(arrival_id)
    now = _now(store, target, journal, arrival_id, pending_limit)
    return Explanation(
        target=target.name,
        arrival_id=arrival_id,
        key=accepted.key,
        now=now.what,
        until=now.until,
        attempts=opened.attempts if opened else 0,
        events=tuple(Event(seq=e.seq, at=e.at, by=e.by, what=_said(e)) for e in entries),
    )


def _entries(journal: Journal, state: State, arrival_id: str) -> Iterator[Entry]:
    opened, closed = state.open.get(arrival_id), state.closed.get(arrival_id)
    first = opened.accepted_seq if opened else closed.accepted_seq if closed else 1
    for entry in journal.entries(after=max(first - 1, 0)):
        if getattr(entry, "arrival_id", None) == arrival_id:
            yield entry


def _now(store: Store, target: Target, journal: Journal, arrival_id: str, pending_limit: timedelta) -> _Now:
    state = journal.last
    closed = state.closed.get(arrival_id)
    if closed:
        gone = "; its manifest was withdrawn since" if arrival_id in state.withdrawn else ""
        return _Now(f"{closed.decision}{gone}")
    if arrival_id not in state.open:
        return _Now("withdrawn before it was decided")
    finding = examine_one(store, target, journal, arrival_id, pending_limit=pending_limit)
    if isinstance(finding, Refused):
        return _Now(f"about to be refused: {finding.error}")
    if isinstance(finding, Delayed):
        return _Now(finding.why, finding.until)
    paused = target.paused or state.paused
    return _Now("ready, but the target is paused" if paused else "ready; the next absorb takes it")


def _said(entry: Entry) -> str:
    if isinstance(entry, Decided):
        reason = entry.reason
        version = f", version {entry.registry_version}" if entry.registry_version else ""
        return (
            f"{entry.decision} ({entry.reason_code}{version}): {reason.object}: found {reason.found}; "
            f"needed {reason.needed}; {reason.next}"
        )
    if isinstance(entry, Attempted):
        return f"attempt {entry.n} began"
    if isinstance(entry, Requeued) and entry.attempts:
        return f"attempt ended without a decision ({entry.attempts} count): {entry.reason}"
    if isinstance(entry, Requeued):
        return f"requeued: {entry.reason}"
    if isinstance(entry, Withdrawn | Promoted):
        return f"{entry.kind}: {entry.reason}"
    return f"accepted: its manifest was copied{_start(entry)}" if isinstance(entry, Accepted) else entry.kind


def _start(accepted: Accepted) -> str:
    """Say what the source was trained from, where its manifest can be read and says it."""
    try:
        parent = read_manifest(accepted).parent
    except BadArrival:
        return ""
    return f"; its training started from {parent.words}" if parent else ""
