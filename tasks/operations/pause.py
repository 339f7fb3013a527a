"""Stop absorbing and go on: a word in the journal, nothing else is touched."""

from tasks.contracts.journal import Paused, Resumed
from tasks.journal.log import Journal
from tasks.reason import checked_reason


def pause(journal: Journal, *, reason: str) -> bool:
    """Stop absorbing from the next unit on; False when the target is paused already."""
    reason = checked_reason(reason)
    before = journal.state().paused
    journal.transact(lambda state, stamp: None if state.paused else Paused(**stamp._asdict(), reason=reason))
    return not before


def resume(journal: Journal, *, reason: str) -> bool:
    """Go on absorbing; False when the target is not paused."""
    reason = checked_reason(reason)
    before = journal.state().paused
    journal.transact(lambda state, stamp: Resumed(**stamp._asdict(), reason=reason) if state.paused else None)
    return before
