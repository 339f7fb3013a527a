"""Try a decided arrival again, on an operator's word."""

from tasks.arrivals.find import name_of
from tasks.contracts.journal import Entry, Requeued
from tasks.contracts.state import State
from tasks.errors import OperationRefused
from tasks.journal.log import Journal, Stamp
from tasks.reason import checked_reason

_AGAIN = {"quarantined", "parked"}


def requeue(journal: Journal, arrival_id: str, *, reason: str) -> State:
    """Open a quarantined or parked arrival again, or end the wait of one between two attempts.

    Its attempts count from zero, and its blob gets the full time again. Raises OperationRefused for others,
    and for a reason that the journal does not keep.
    """
    said = checked_reason(reason)

    def think(state: State, stamp: Stamp) -> Entry:
        name = name_of(arrival_id, journal)
        closed, opened = state.closed.get(arrival_id), state.open.get(arrival_id)
        if closed and closed.decision not in _AGAIN:
            raise OperationRefused(
                f"{name}: was {closed.decision} (entry {closed.seq}), needs one that was "
                "quarantined or parked; use a backfill to absorb it again; nothing was changed"
            )
        if not closed and not (opened and opened.attempts):
            raise OperationRefused(
                f"{name}: {'has no decision yet' if opened else 'is unknown'}, needs one "
                f"that was quarantined or parked; nothing was changed"
            )
        return Requeued(**stamp._asdict(), arrival_id=arrival_id, reason=said, attempts=0)

    return journal.transact(think)
