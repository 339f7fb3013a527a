"""Change a living target: an entry in its journal first, which holds the new document, then the document."""

import hashlib
from collections.abc import Callable

from tasks.bucket.store import Store
from tasks.contracts import keys
from tasks.contracts.changed import Changed
from tasks.contracts.journal import Entry
from tasks.contracts.state import State
from tasks.contracts.target import Target
from tasks.contracts.writing import document_bytes
from tasks.journal.log import Journal, Stamp
from tasks.journal.targets import heeded_target
from tasks.operations.change.preview import changes_of
from tasks.reason import checked_reason


def change(store: Store, journal: Journal, make: Callable[[Target], Target], *, reason: str) -> bool:
    """Make a target what `make` gives of it; False when it is that already, and its document says so.

    Of two who change it at once, the later one changes what the earlier one made. Who dies between entry and
    document loses nothing: readers take the journal's word, and the next change writes the document.
    """
    reason = checked_reason(reason)
    key = keys.target_key(journal.target)
    before = journal.state().changed

    def think(_: State, stamp: Stamp) -> Entry | None:
        there = store.get(key).body
        target, body = heeded_target(store, journal)
        changed = make(target)
        differs = changes_of(target, changed)
        if not differs:
            return None
        return Changed(
            **stamp._asdict(),
            changes=differs,
            replaced=tuple(dict.fromkeys(hashlib.sha256(each).hexdigest() for each in (there, body))),
            document=document_bytes(changed, name=key).decode(),
            reason=reason,
        )

    after = journal.transact(think).changed
    _, body = heeded_target(store, journal)
    if store.get(key).body != body:
        store.put(key, body)
    return after != before
