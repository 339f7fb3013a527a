"""What a journal's entries say of the past: attempts, seconds of absorbs, when the champion moved."""

from bisect import bisect_left
from collections.abc import Iterable
from datetime import datetime

from tasks.contracts.journal import Attempted, Decided, Entry, Promoted, RolledBack, Switched
from tasks.journal.log import Journal

FAR_ENOUGH = 5000  # entries that are read when the first look finds a long journal: some seconds
BOUNDS_S = (1, 5, 15, 60, 300, 900, 3600, 4 * 3600)  # of absorb seconds


class History:
    """Counts over a journal's newest entries, carried on with every look; as counters of Prometheus are."""

    def __init__(self) -> None:
        self.attempts = 0
        self.absorb_seconds = 0.0
        self.absorbs = [0] * (len(BOUNDS_S) + 1)  # by the bound that holds them; the last: longer than all
        self.moved_at: datetime | None = None  # when the champion last moved
        self._begun: dict[str, datetime] = {}
        self.seq: int | None = None  # of the entry counted last

    def read(self, journal: Journal) -> None:
        """Take in what was appended since the last look; as of the state last read."""
        if self.seq is None:
            self.seq = max(0, journal.last.seq - FAR_ENOUGH)
        self.add(journal.entries(after=self.seq), lineage=journal.last.lineage)

    def add(self, entries: Iterable[Entry], *, lineage: str) -> None:
        """Count entries. lineage: the current one, whose promotions move the champion."""
        for entry in entries:
            self.seq = entry.seq
            if isinstance(entry, Attempted):
                self.attempts += 1
                self._begun[entry.arrival_id] = entry.at
            elif isinstance(entry, Decided):
                self._decided(entry, lineage)
            elif isinstance(entry, Promoted | RolledBack | Switched):
                self.moved_at = entry.at

    def _decided(self, entry: Decided, lineage: str) -> None:
        begun = self._begun.pop(entry.arrival_id, None)
        if begun is not None and entry.decision in ("promoted", "rejected"):
            seconds = max(0.0, (entry.at - begun).total_seconds())
            self.absorb_seconds += seconds
            self.absorbs[bisect_left(BOUNDS_S, seconds)] += 1
        if entry.decision == "promoted" and entry.lineage == lineage:
            self.moved_at = entry.at
