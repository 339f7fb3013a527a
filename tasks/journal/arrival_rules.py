"""What entries about arrivals do to a state: one small rule per kind of entry."""

from typing import Any

from tasks.contracts.changed import Changed
from tasks.contracts.journal import Accepted, Attempted, Paused, Requeued, Resumed, Withdrawn
from tasks.contracts.manifest import Manifest
from tasks.contracts.reading import read_document
from tasks.contracts.state import Brief, Closed, Open, etag_mark
from tasks.errors import InvalidDocument, NewerSchema


def accepted(new: dict[str, Any], entry: Accepted) -> None:
    """Open an arrival, unless it is closed."""
    new["withdrawn"].pop(entry.arrival_id, None)
    if entry.arrival_id not in new["closed"]:
        new["open"][entry.arrival_id] = Open(
            accepted_seq=entry.seq, etag_mark=etag_mark(entry.etag), since=entry.at, brief=_brief(entry)
        )


def _brief(entry: Accepted) -> Brief | None:
    try:
        manifest = read_document(Manifest, (entry.manifest or "").encode(), name=entry.key)
    except (InvalidDocument, NewerSchema):
        return None  # whoever decides on it reads it again, and says why it cannot be read
    return Brief(series=manifest.series, period=manifest.period, rev=manifest.rev, weights=manifest.weights)


def attempted(new: dict[str, Any], entry: Attempted) -> None:
    """Count an attempt."""
    arrival: Open | None = new["open"].get(entry.arrival_id)
    if arrival:
        change = {"attempts": entry.n, "tries": arrival.tries + 1, "last_attempt_at": entry.at}
        new["open"][entry.arrival_id] = arrival.model_copy(update=change)


def requeued(new: dict[str, Any], entry: Requeued) -> None:
    """Open a decided arrival again, or set what its attempts count."""
    closed: Closed | None = new["closed"].pop(entry.arrival_id, None)
    if closed:
        new["open"][entry.arrival_id] = Open(
            accepted_seq=closed.accepted_seq,
            etag_mark=closed.etag_mark,
            since=entry.at,
            attempts=entry.attempts,
            tries=1,
            requeued=True,
        )
    elif entry.arrival_id in new["open"]:
        change = {"attempts": entry.attempts, "last_attempt_at": entry.at if entry.attempts else None}
        new["open"][entry.arrival_id] = new["open"][entry.arrival_id].model_copy(update=change)


def withdrawn(new: dict[str, Any], entry: Withdrawn) -> None:
    """Close an arrival whose manifest is gone; it decides nothing."""
    new["withdrawn"][entry.arrival_id] = entry.seq
    opened: Open | None = new["open"].pop(entry.arrival_id, None)
    if opened and opened.tries:  # what its attempts left in MLflow is not decided on any more
        new["to_project"] = entry.seq


def paused(new: dict[str, Any], _: Paused) -> None:
    """Stop the target."""
    new["paused"] = True


def resumed(new: dict[str, Any], _: Resumed) -> None:
    """Let the target go on."""
    new["paused"] = False


def changed(new: dict[str, Any], entry: Changed) -> None:
    """Remember where the target's newest document is."""
    new["changed"] = entry.seq
