"""The fold of journal entries into a state: pure, one small rule per kind of entry."""

from collections.abc import Callable, Iterable
from typing import Any

from tasks.contracts.changed import Changed, Measured
from tasks.contracts.journal import (
    Accepted,
    Attempted,
    Decided,
    Entry,
    Paused,
    Promoted,
    Requeued,
    Resumed,
    RolledBack,
    Switched,
    Withdrawn,
)
from tasks.contracts.packed import Packed
from tasks.contracts.state import (
    State,
)
from tasks.errors import InvalidDocument
from tasks.journal import arrival_rules, lineage_rules


def fold(state: State, entries: Iterable[Entry]) -> State:
    """Apply entries, which must follow state.seq densely; the given state stays as it is.

    Raises InvalidDocument at a gap.
    """
    new: dict[str, Any] = {
        name: value.copy() if isinstance(value, dict | Packed) else value for name, value in iter(state)
    }
    for entry in entries:
        if entry.seq != new["seq"] + 1:
            raise InvalidDocument(
                f"journal entry {entry.seq} follows entry {new['seq']}, needs {new['seq'] + 1}; "
                "entries are missing: the journal cannot be read on"
            )
        _RULES[type(entry)](new, entry)
        new["seq"] = entry.seq
    return State.model_construct(**new)


_RULES: dict[type, Callable[[dict[str, Any], Any], None]] = {
    Accepted: arrival_rules.accepted,
    Attempted: arrival_rules.attempted,
    Decided: lineage_rules.decided,
    Requeued: arrival_rules.requeued,
    Withdrawn: arrival_rules.withdrawn,
    Promoted: lineage_rules.promoted,
    RolledBack: lineage_rules.rolled_back,
    Switched: lineage_rules.switched,
    Paused: arrival_rules.paused,
    Resumed: arrival_rules.resumed,
    Changed: arrival_rules.changed,
    Measured: lineage_rules.measured,
}
