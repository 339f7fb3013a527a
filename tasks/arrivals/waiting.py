"""Why an open arrival waits: outside the window, between two attempts, or its blob is not there yet."""

from datetime import datetime, timedelta

from tasks.arrivals.arrival import MAX_ATTEMPTS, WAITS
from tasks.bucket.objects import Head
from tasks.bucket.store import Store
from tasks.contracts.base import Period
from tasks.contracts.manifest import Weights
from tasks.contracts.state import Open
from tasks.contracts.target import Target
from tasks.errors import BadArrival, StoreRefused


def outside(period: Period, target: Target) -> str | None:
    """Say why a period lies outside the target's window; None when it does not."""
    early = target.from_ is not None and period.start < target.from_
    if early or (target.until is not None and period.end > target.until):
        return (
            f"period {period.start}..{period.end} lies outside the target's window "
            f"{target.from_ or ''}..{target.until or ''}"
        )
    return None


def next_attempt_at(opened: Open) -> datetime | None:
    """Tell when an arrival may be tried again after attempts that gave no decision; None: at once."""
    if opened.last_attempt_at is None or opened.attempts == 0:
        return None
    return opened.last_attempt_at + WAITS[min(opened.attempts, len(WAITS)) - 1]


def between_attempts(opened: Open) -> str:
    """Say how often it was tried."""
    return f"attempt {opened.attempts} of {MAX_ATTEMPTS} has given no decision (yet, if its run lives)"


def blob_not_there(store: Store, weights: Weights, *, until: datetime, limit: timedelta) -> str | None:
    """Say what the blob lacks; None when it is there, of the declared size.

    until: when patience ends, on the store's clock. Raises BadArrival for a blob that is longer than
    declared, and for one that lacks something when `until` has passed.
    """
    needed = f"{weights.size_bytes} bytes"
    try:
        blob = store.head(weights.key)
        found = _found(blob)
    except StoreRefused as error:  # this one object: the listing was allowed
        blob, found = None, f"no answer ({error})"
    if blob and blob.size_bytes == weights.size_bytes:
        return None
    if blob and blob.size_bytes > weights.size_bytes:
        raise BadArrival("blob_size", object=weights.key, found=found, needed=needed)
    if store.clock >= until:
        raise BadArrival(
            "blob_size" if blob else "blob_missing",
            object=weights.key,
            found=f"{found} after {limit.total_seconds() / 3600:g} hours",
            needed=needed,
            next="quarantined; upload the blob, then publish a new rev or have an operator requeue this one",
        )
    return f"pending: {weights.key} has {found}, needs {needed}"


def _found(blob: Head | None) -> str:
    return f"{blob.size_bytes} bytes" if blob else "no such object"
