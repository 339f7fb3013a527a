"""What the open arrivals of a target are now: ready, delayed or to be refused. Reads only."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice

from tasks.arrivals.arrival import Arrival, Delayed, PeriodOrder, check_accepted
from tasks.arrivals.waiting import between_attempts, blob_not_there, next_attempt_at, outside
from tasks.bucket.store import Store
from tasks.contracts import keys
from tasks.contracts.journal import Accepted
from tasks.contracts.state import Brief, Open, State
from tasks.contracts.target import Target
from tasks.errors import BadArrival, InvalidDocument
from tasks.journal.lineage_rules import weights_id
from tasks.journal.log import Journal

READERS = 16
AT_ONCE = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """An arrival that is to be refused, and why."""

    id: str
    error: BadArrival


Finding = Arrival | Delayed | Refused


def examine(
    store: Store, target: Target, journal: Journal, *, pending_limit: timedelta, at_once: int = AT_ONCE
) -> Iterator[Finding]:
    """Look at the open arrivals in period order, so many at once; those without a readable manifest first.

    Asks the bucket only about those that neither the window nor an attempt holds back.
    """
    state = journal.last

    def look(item: tuple[str, Open]) -> Finding:
        return _look(store, target, journal, state, item, pending_limit)

    rest = iter(sorted(state.open.items(), key=_order))
    first: dict[str, str] = {}
    with ThreadPoolExecutor(READERS) as pool:
        while some := list(islice(rest, at_once)):
            yield from (_after_twin(finding, first) for finding in pool.map(look, some))


def examine_one(
    store: Store, target: Target, journal: Journal, arrival_id: str, *, pending_limit: timedelta
) -> Finding:
    """Look at one open arrival."""
    state = journal.last
    return _look(store, target, journal, state, (arrival_id, state.open[arrival_id]), pending_limit)


def accepted_entry(journal: Journal, opened: Open) -> Accepted:
    """Read the journal's copy of an arrival's manifest. Raises InvalidDocument when it is no such entry."""
    entry = journal.entry(opened.accepted_seq)
    if not isinstance(entry, Accepted):
        raise InvalidDocument(
            f"journal of {journal.target}: entry {entry.seq} is {entry.kind}, needs accepted; "
            "state.json does not fit the journal: delete it"
        )
    return entry


def _after_twin(finding: Finding, first: dict[str, str]) -> Finding:
    """Hold a ready arrival back while another with the same weights is ready; `first` collects those."""
    if not isinstance(finding, Arrival):
        return finding
    manifest = finding.manifest
    weights = weights_id(manifest.series, manifest.period.label, manifest.weights.sha256)
    twin = first.setdefault(weights, manifest.key)
    if twin == manifest.key:
        return finding
    why = f"has the same weights as {twin}, which goes first"
    return Delayed(id=finding.id, key=manifest.key, waiting="twin_first", why=why, until=None)


def _look(
    store: Store,
    target: Target,
    journal: Journal,
    state: State,
    item: tuple[str, Open],
    pending_limit: timedelta,
) -> Finding:
    arrival_id, opened = item
    try:
        waits = opened.brief and _waits(store, target, arrival_id, opened, opened.brief, pending_limit)
        if waits:
            return waits
        manifest = check_accepted(accepted_entry(journal, opened), target=target, state=state)
        if opened.brief is None:
            brief = Brief(
                series=manifest.series, period=manifest.period, rev=manifest.rev, weights=manifest.weights
            )
            waits = _waits(store, target, arrival_id, opened, brief, pending_limit)
        return waits or Arrival(id=arrival_id, manifest=manifest, attempts=opened.attempts)
    except BadArrival as error:
        return Refused(id=arrival_id, error=error)


def _waits(
    store: Store,
    target: Target,
    arrival_id: str,
    opened: Open,
    brief: Brief,
    pending_limit: timedelta,
) -> Delayed | None:
    key = keys.manifest_key(brief.series, brief.period.label, brief.rev)
    why = outside(brief.period, target)
    if why:
        return Delayed(id=arrival_id, key=key, waiting="outside_window", why=why, until=None)
    until = next_attempt_at(opened)
    if until and store.clock < until:
        why = between_attempts(opened)
        return Delayed(id=arrival_id, key=key, waiting="between_attempts", why=why, until=until)
    until = opened.since + pending_limit
    why = blob_not_there(store, brief.weights, until=until, limit=pending_limit)
    if why is None:
        return None
    return Delayed(id=arrival_id, key=key, waiting="blob_pending", why=why, until=until)


def _order(item: tuple[str, Open]) -> PeriodOrder:
    arrival_id, opened = item
    brief = opened.brief
    if brief is None:
        return PeriodOrder(date.min, date.min, "", 0, arrival_id)
    return PeriodOrder(brief.period.start, brief.period.end, brief.series, brief.rev, arrival_id)
