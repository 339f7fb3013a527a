"""Find an arrival by what a person has at hand: its id, the start of it, its key, or series/period/rev."""

import re

from tasks.bucket.store import Store
from tasks.contracts import keys
from tasks.contracts.journal import Accepted
from tasks.contracts.state import State
from tasks.errors import NotThere, OperationRefused
from tasks.journal.log import Journal

_ID = re.compile(r"\A[0-9a-f]{6,64}\Z")


def find_arrival(which: str, state: State) -> str | None:
    """Give the id of an arrival that a target's journal knows; None when it knows none.

    which: at least six characters of the id, a manifest's key, or series/period/rev.
    Raises OperationRefused when several ids begin so, or when it is none of the three.
    """
    key = which if which.startswith(keys.MANIFESTS) else f"{keys.MANIFESTS}{which}.json"
    if keys.parse_manifest_key(key):
        arrival = keys.arrival_id(key)
        return arrival if _knows(state, arrival) else None
    if not _ID.match(which):
        raise OperationRefused(
            f"{which}: is no arrival; give six or more characters of its id, its manifest's key, or "
            "series/period/rev such as digits/2014/1"
        )
    if len(which) == 64:
        return which if _knows(state, which) else None
    fits = {
        each
        for known in (state.open, state.closed, state.withdrawn)
        for each in known
        if each.startswith(which)
    }
    if len(fits) > 1:
        shown = ", ".join(sorted(fits)[:3])
        raise OperationRefused(f"{which}: {len(fits)} arrivals begin so ({shown}, ...); give more of the id")
    return fits.pop() if fits else None


def name_of(arrival: str, journal: Journal) -> str:
    """Name an arrival as people do, series/period/rev; by the start of its id where that is unknown."""
    state = journal.last
    known = state.open.get(arrival) or state.closed.get(arrival)
    entry = journal.entry(known.accepted_seq) if known else None
    key = keys.parse_manifest_key(entry.key) if isinstance(entry, Accepted) else None
    return f"{key.series}/{key.label}/{key.rev}" if key else arrival[:12]


def is_published(store: Store, which: str) -> bool:
    """Say whether the bucket holds the manifest of an arrival that was named by key or series/period/rev."""
    key = which if which.startswith(keys.MANIFESTS) else f"{keys.MANIFESTS}{which}.json"
    return keys.parse_manifest_key(key) is not None and store.head(key) is not None


def known_arrival(which: str, state: State, *, target: str) -> str:
    """Give the id of an arrival as find_arrival does; NotThere when the target's journal knows none."""
    found = find_arrival(which, state)
    if found is None:
        raise NotThere(
            f"target {target} knows no arrival {which}; grasp status {target} lists them; nothing was changed"
        )
    return found


def _knows(state: State, arrival: str) -> bool:
    return arrival in state.open or arrival in state.closed or arrival in state.withdrawn
