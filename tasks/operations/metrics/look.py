"""One look at everything that metrics tell: every target's journal, and the watch as Prefect saw it."""

import time
from collections import Counter
from datetime import datetime, timedelta
from typing import NamedTuple

from tasks.arrivals.arrival import Delayed
from tasks.arrivals.examine import Finding, Refused, examine
from tasks.bucket.store import Store
from tasks.contracts.journal import Decided
from tasks.contracts.state import Open, State
from tasks.errors import GraspError, NotThere
from tasks.identity import signed
from tasks.journal.log import Journal
from tasks.journal.projection import is_behind
from tasks.journal.targets import heeded_target, target_names
from tasks.operations.metrics.history import History
from tasks.orchestration.at_work import Orchestrator


class Champion(NamedTuple):
    """The champion of a target: since when, and how well it does on its gate and test splits."""

    version: int
    since: datetime | None
    gate_accuracy: float | None
    test_accuracy: float | None


class TargetFacts(NamedTuple):
    """What is the case with one target. open: by reason; oldest_s: of those that are expected to move."""

    name: str
    entries: int
    paused: bool
    behind: bool
    open: Counter[str]
    oldest_s: float
    decisions: Counter[str]
    history: History
    champion: Champion | None


class Facts(NamedTuple):
    """What was found at one look; without a bucket there are no targets."""

    targets: tuple[TargetFacts, ...]
    unreadable: int
    bucket_up: bool
    prefect_up: bool | None
    last_watch: datetime | None
    seconds: float


class Observer:
    """Looks at all targets again and again; reads of a journal only what was appended since."""

    def __init__(self, store: Store, *, pending_limit: timedelta) -> None:
        self._store, self._pending_limit = store, pending_limit
        self._known: dict[str, tuple[Journal, History]] = {}

    def look(self) -> Facts:
        """Look once; what cannot be read is counted, and hides nothing else."""
        began, found, unreadable, up = time.monotonic(), [], 0, True
        try:
            names = target_names(self._store)
        except GraspError:
            names, up = [], False
        for name in names:
            try:
                found.append(self._target(name))
            except GraspError:
                unreadable += 1
                self._known.pop(name, None)
        self._known = {name: known for name, known in self._known.items() if name in set(names)}
        prefect = Orchestrator()
        last_watch = prefect.last_watch()
        return Facts(
            targets=tuple(found),
            unreadable=unreadable,
            bucket_up=up,
            prefect_up=not prefect.away if prefect.named else None,
            last_watch=last_watch,
            seconds=time.monotonic() - began,
        )

    def _target(self, name: str) -> TargetFacts:
        new = (Journal(self._store, name, by=signed("grasp metrics")), History())
        journal, history = self._known.setdefault(name, new)
        state = journal.state()
        if history.seq is not None and history.seq > state.seq:  # another journal of the same name
            history = History()
            self._known[name] = journal, history
        target, _ = heeded_target(self._store, journal)
        history.read(journal)
        found = list(examine(self._store, target, journal, pending_limit=self._pending_limit))
        return TargetFacts(
            name=name,
            entries=state.seq,
            paused=target.paused or state.paused,
            behind=is_behind(self._store, name, state, etag=journal.beside.get("projected.json")),
            open=Counter(reason_of(finding) for finding in found),
            oldest_s=_oldest(state, found, self._store.clock),
            decisions=Counter(closed.decision for closed in state.closed.values()),
            history=history,
            champion=_champion(journal, history),
        )


def reason_of(finding: Finding) -> str:
    """Name why an arrival is open: ready, refused (about to be), or what it waits for."""
    if isinstance(finding, Delayed):
        return finding.waiting
    return "refused" if isinstance(finding, Refused) else "ready"


def _oldest(state: State, found: list[Finding], now: datetime) -> float:
    """Give the age in seconds of the oldest open arrival; what lies outside the window waits for nothing."""
    waiting: list[Open] = [state.open[each.id] for each in found if reason_of(each) != "outside_window"]
    return max((max(0.0, (now - opened.since).total_seconds()) for opened in waiting), default=0.0)


def _champion(journal: Journal, history: History) -> Champion | None:
    state = journal.last
    point = state.versions.get(state.champion) if state.champion else None
    if state.champion is None or point is None:
        return None
    decided = _decision(journal, point.arrival_id)
    if decided is not None and decided.registry_version != state.champion:
        decided = None  # its arrival was absorbed again since
    test = decided.figures.get("test_accuracy") if decided else None
    since = history.moved_at or (decided.at if decided else None)
    return Champion(state.champion, since, point.gate_accuracy, test)


def _decision(journal: Journal, arrival_id: str | None) -> Decided | None:
    closed = journal.last.closed.get(arrival_id) if arrival_id else None
    try:
        entry = journal.entry(closed.seq) if closed else None
    except NotThere:
        return None
    return entry if isinstance(entry, Decided) else None
