"""From a listing to what can be absorbed: accept what is new, decide what is bad, sort the rest by period."""

import logging
from dataclasses import dataclass
from datetime import timedelta

from tasks.arrivals.accept import accept_new, withdraw_gone
from tasks.arrivals.arrival import Arrival, Delayed
from tasks.arrivals.examine import AT_ONCE, READERS, Refused, examine
from tasks.arrivals.listing import ListingRule, compare, is_due
from tasks.arrivals.refuse import refuse_arrival
from tasks.bucket.store import Store
from tasks.contracts.state import Listing
from tasks.contracts.target import Target
from tasks.journal.log import Journal

log = logging.getLogger(__name__)

READY_AT_ONCE = 256  # no run absorbs as many before it looks again
RULE = ListingRule()


@dataclass(frozen=True, kw_only=True, slots=True)
class Triage:
    """A target's open arrivals, in period order: ready ones, others with their reasons.

    ready holds no more than was enough; what lies behind them was not looked at.
    """

    ready: tuple[Arrival, ...]
    delayed: tuple[Delayed, ...]
    refused: int


def triage(
    store: Store,
    target: Target,
    journal: Journal,
    *,
    pending_limit: timedelta,
    rule: ListingRule = RULE,
    enough: int = READY_AT_ONCE,
) -> Triage:
    """Compare what is in the bucket with what the journal decided, and write down what follows.

    enough: how many ready arrivals to look for.
    """
    state = journal.state()
    refused, listing = 0, None
    if is_due(store, state, rule):
        refused, listing = _reconcile(store, target, journal)
    ready: list[Arrival] = []
    delayed: list[Delayed] = []
    at_once = min(max(enough, READERS), AT_ONCE)
    for finding in examine(store, target, journal, pending_limit=pending_limit, at_once=at_once):
        if isinstance(finding, Refused):
            refuse_arrival(journal, finding.id, finding.error)
            refused += 1
        elif isinstance(finding, Delayed):
            delayed.append(finding)
        else:
            ready.append(finding)
            if len(ready) == enough:
                break
    journal.keep(listing if listing and listing.manifests > rule.up_to else None)
    return Triage(ready=tuple(ready), delayed=tuple(delayed), refused=refused)


def _reconcile(store: Store, target: Target, journal: Journal) -> tuple[int, Listing]:
    compared = compare(store, target, journal.last)
    refused = accept_new(store, target, journal, compared.new)
    withdraw_gone(journal, compared.gone)
    for key in compared.overwritten:
        log.warning("%s was overwritten after it was accepted; the first copy counts", key)
    return refused, compared.listing
