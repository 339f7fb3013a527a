"""What people are told when MLflow shows entries for the first time: decisions, moves, lost accuracy."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from tasks.absorbing.recorded import decision_on
from tasks.absorbing.work import Work
from tasks.contracts.changed import Measured
from tasks.contracts.journal import Decided, Entry, Promoted, RolledBack, Switched
from tasks.contracts.state import Point, State
from tasks.orchestration.events import DECIDED, DROPPED, MOVED, News, announce

YOUNG = timedelta(days=1)  # older ones were told before, or tell nobody anything: a projection made anew
Move = Promoted | RolledBack | Switched


def is_news(entry: Entry, *, now: datetime) -> bool:
    """Say whether an entry is worth telling: of a kind that people wait for, and not from long ago."""
    return isinstance(entry, Decided | Move | Measured) and now - entry.at < YOUNG


def tell_news(work: Work, entries: Sequence[Entry]) -> None:
    """Tell people, through Prefect, what the journal says anew."""
    announce([*_news(work, entries)])


def _news(work: Work, entries: Sequence[Entry]) -> Iterator[News]:
    state, name = work.journal.last, work.target.name
    mover: Entry | None = None
    for entry in entries:
        if isinstance(entry, Decided) and entry.lineage == state.lineage:
            yield _decided(name, entry)
            mover = entry if entry.decision == "promoted" else mover
        elif isinstance(entry, Move):
            text = f"{name}: version {entry.registry_version} is champion ({entry.kind}): {entry.reason}"
            yield _about(MOVED, name, entry, text, version=entry.registry_version, kind=entry.kind)
            mover = entry
        elif isinstance(entry, Measured):
            mover = entry
    if mover is not None and (drop := accuracy_drop(work, mover)):
        yield _about(DROPPED, name, mover, f"{name}: {drop}", version=state.champion)


def _decided(name: str, entry: Decided) -> News:
    source = entry.source
    what = f"{source.series} {source.period.label} r{source.rev}" if source else entry.reason.object
    text = f"{name}: {what} {entry.decision} ({entry.reason_code}): found {entry.reason.found}"
    facts = {
        "source": what,
        "decision": entry.decision,
        "reason": entry.reason_code,
        "needed": entry.reason.needed,
        "next": entry.reason.next,
        "version": entry.registry_version,
        "gate_accuracy": entry.figures.get("gate_accuracy"),
    }
    return _about(f"{DECIDED}{entry.decision}", name, entry, text, **facts)


def _about(event: str, target: str, entry: Entry, text: str, **facts: str | int | float | None) -> News:
    return News(event=event, target=target, seq=entry.seq, at=entry.at, text=text[:1000], facts=facts)


def accuracy_drop(work: Work, mover: Entry) -> str | None:
    """Say how far the champion lies below what was reached; None when within the gate's margin.

    Held against the best champion so far on the same gate split; after a measurement on new data against
    what the champion itself had on the data before.
    """
    state, margin = work.journal.last, work.target.gate.margin
    point = state.versions.get(state.champion) if state.champion else None
    if state.champion is None or point is None or point.gate_accuracy is None:
        return None
    now = f"the champion, version {state.champion}, has gate accuracy {point.gate_accuracy:.4f}"
    if isinstance(mover, Measured):
        decided = decision_on(work.journal, state.champion)
        before = decided.figures.get("gate_accuracy") if decided else None
        if before is not None and before - point.gate_accuracy > margin:
            return f"{now} on its new data; it had {before:.4f} on those that it was decided on"
        return None
    best = _best(state, point)
    if best is None or best[0] - point.gate_accuracy <= margin:
        return None
    return f"{now}; version {best[1]} had {best[0]:.4f} on the same data"


def _best(state: State, point: Point) -> tuple[float, int] | None:
    """Give accuracy and number of the best that is or was champion, on the champion's data."""
    same = (
        (other.gate_accuracy, version)
        for version, other in state.versions.items()
        if other.role == "champion" and other.data == point.data and other.gate_accuracy is not None
    )
    return max(same, default=None)
