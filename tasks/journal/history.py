"""What a target's journal says of its versions and sources: who descends from whom, and what was decided."""

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from tasks.contracts.journal import Decided, Entry, RolledBack, Switched
from tasks.contracts.state import State
from tasks.errors import NotThere
from tasks.journal.log import Journal

Span = tuple[date, date]


class Switch(NamedTuple):
    """The last switch of lineage: its entry, and the lineage that was the current one before it."""

    seq: int
    origin: str


class History(NamedTuple):
    """Decisions by seq and by the version that they registered; state: the fold up to the same tip."""

    state: State
    by_seq: dict[int, Decided]
    by_version: dict[int, Decided]
    switch: Switch | None

    def chain(self, version: int | None) -> list[Decided]:
        """Give the decisions that a version was made by, oldest first: its own is the last.

        Raises NotThere for a version that the journal does not know.
        """
        found: list[Decided] = []
        while version is not None:
            decided = self.by_version.get(version)
            if decided is None:
                known = ", ".join(map(str, sorted(self.by_version))) or "none"
                raise NotThere(
                    f"version {version}: the journal has no decision on it (it knows {known}); "
                    "nothing was done"
                )
            found.append(decided)
            version = decided.parent_version
        return found[::-1]

    def sources(self) -> Iterable[tuple[str, Decided]]:
        """Give every decided arrival with the decision that counts now, if a source could be read."""
        for arrival, closed in self.state.closed.items():
            decided = self.by_seq.get(closed.seq)
            if decided is not None and decided.source is not None:
                yield arrival, decided

    def accepted_seq(self, arrival: str) -> int:
        """Give the entry that holds an arrival's manifest. Raises NotThere."""
        known = self.state.closed.get(arrival) or self.state.open.get(arrival)
        if known is None:
            raise NotThere(f"arrival {arrival}: the journal has no manifest of it")
        return known.accepted_seq


class Historian:
    """Reads a journal's decisions, and later only what was appended since."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._seq, self._lineage = 0, State().lineage
        self._by_seq: dict[int, Decided] = {}
        self._by_version: dict[int, Decided] = {}
        self._switch: Switch | None = None

    def read(self) -> History:
        """Read up to the journal's tip. Raises InvalidDocument when an entry is damaged."""
        state = self._journal.state()
        if self._seq < state.seq:
            for entry in self._journal.entries(after=self._seq):
                if entry.seq > state.seq:
                    break
                self._take(entry)
        return History(state, self._by_seq, self._by_version, self._switch)

    def _take(self, entry: Entry) -> None:
        self._seq = entry.seq
        if isinstance(entry, Switched):
            self._switch = Switch(entry.seq, self._lineage)
            self._lineage = entry.lineage
        if isinstance(entry, RolledBack) and entry.registry_version in self._by_version:
            self._lineage = self._by_version[entry.registry_version].lineage
        if isinstance(entry, Decided):
            self._by_seq[entry.seq] = entry
            if entry.registry_version is not None:
                self._by_version[entry.registry_version] = entry


def span_of(decided: Decided) -> Span:
    """Give (start, end) of the period that a decision is about. Raises NotThere when it names no source."""
    if decided.source is None:
        raise NotThere(f"decision {decided.seq}: it names no source, so it has no period")
    return decided.source.period.start, decided.source.period.end


def source_name(decided: Decided) -> str:
    """Name the source of a decision as series/period."""
    source = decided.source
    return f"{source.series}/{source.period.label}" if source else decided.reason.object
