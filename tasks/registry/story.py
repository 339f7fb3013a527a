"""What happened to a target lately, as people tell it: decisions, and what somebody did by hand."""

from collections import deque
from typing import NamedTuple

from tasks.contracts.journal import Decided, Entry, Promoted, RolledBack, Switched, Withdrawn
from tasks.journal.history import source_name
from tasks.journal.log import Journal

KEPT = 60  # events
BEHIND = 300  # entries that are looked through for them at most; every source makes three or more


class Event(NamedTuple):
    """Something that happened, in one word; on a decision, or done by hand on a version or a source.

    about: a source or a version. lineage: where it counts; None: of the whole target.
    """

    seq: int
    word: str
    about: str
    reason: str
    version: int | None
    lineage: str | None
    decided: Decided | None


class Storyteller:
    """Reads a journal's newest events, and later only what was appended since."""

    def __init__(self, journal: Journal) -> None:
        self._journal, self._seq = journal, 0
        self._events: deque[Event] = deque(maxlen=KEPT)
        self._sources: dict[str, str] = {}

    def read(self) -> tuple[Event, ...]:
        """Give the newest events, oldest first; as of the journal last read."""
        tip = self._journal.last.seq
        if tip < self._seq:  # of a journal that is no more
            self._seq = 0
            self._events.clear()
        for entry in self._journal.entries(after=max(self._seq, tip - BEHIND)):
            if event := self._event(entry):
                self._events.append(event)
            self._seq = entry.seq
        return tuple(self._events)

    def _event(self, entry: Entry) -> Event | None:
        if isinstance(entry, Decided):
            name = self._sources[entry.arrival_id] = source_name(entry)
            code = entry.reason_code.replace("_", " ")
            return Event(entry.seq, entry.decision, name, code, entry.registry_version, entry.lineage, entry)
        if isinstance(entry, Withdrawn):
            about = self._sources.get(entry.arrival_id, f"source {entry.arrival_id[:12]}")
            return Event(entry.seq, "withdrawn", about, entry.reason, None, None, None)
        words = {Promoted: "promoted by hand", RolledBack: "rolled back", Switched: "lineage took over"}
        if not isinstance(entry, Promoted | RolledBack | Switched):
            return None
        version = entry.registry_version
        lineage = entry.lineage if isinstance(entry, Switched) else None
        about = f"to version {version}"
        return Event(entry.seq, words[type(entry)], about, entry.reason, version, lineage, None)
