"""The fold of journal entries into a state: pure, one small rule per kind of entry."""

import hashlib
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

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
    SourceRef,
    Switched,
    Withdrawn,
)
from tasks.contracts.manifest import Manifest
from tasks.contracts.packed import Packed
from tasks.contracts.reading import read_document
from tasks.contracts.state import (
    Brief,
    Closed,
    ClosedArrivals,
    Lineage,
    Open,
    Point,
    SeqByWeights,
    State,
    etag_mark,
)
from tasks.errors import InvalidDocument, NewerSchema

_ABSORBED = {"promoted", "rejected"}


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


def weights_id(series: str, label: str, sha256: str) -> str:
    """Name what may be absorbed once: these weights in this period of this series."""
    return hashlib.sha256(f"{series}/{label}/{sha256}".encode()).hexdigest()[: 2 * SeqByWeights.KEY_BYTES]


def _accepted(new: dict[str, Any], entry: Accepted) -> None:
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


def _attempted(new: dict[str, Any], entry: Attempted) -> None:
    arrival: Open | None = new["open"].get(entry.arrival_id)
    if arrival:
        change = {"attempts": entry.n, "tries": arrival.tries + 1, "last_attempt_at": entry.at}
        new["open"][entry.arrival_id] = arrival.model_copy(update=change)


def _decided(new: dict[str, Any], entry: Decided) -> None:
    current = entry.lineage == new["lineage"]
    absorbed = entry.decision in _ABSORBED or entry.reason_code == "manual"
    weights = _weights_of(entry.source) if absorbed and entry.source else None
    opened: Open | None = new["open"].get(entry.arrival_id)
    # an attempt that refuses its arrival has registered nothing; those before it may have
    tried = opened is not None and opened.tries > (0 if entry.reason_code == "retracted" else 1)
    if current:
        _close(new, entry, weights)
    else:
        _hold(new, entry, weights)
    if entry.index is not None:
        _advance(new, entry)
    if entry.mlflow_run_id is not None or tried:
        new["to_project"] = entry.seq
    if entry.registry_version is not None:
        new["versions"][entry.registry_version] = _point(entry, new["lineages"].get(entry.lineage))
        if entry.decision == "promoted" and current:
            _move(new, entry.registry_version)


def _close(new: dict[str, Any], entry: Decided, weights: str | None) -> None:
    new["closed"][entry.arrival_id] = _closed(new, entry)
    new["open"].pop(entry.arrival_id, None)
    if weights:
        new["weights"].setdefault(weights, entry.seq)


def _hold(new: dict[str, Any], entry: Decided, weights: str | None) -> None:
    """Keep a decision of a lineage that is not the current one: it closes nothing until it is."""
    lineage = new["lineages"].get(entry.lineage) or _begun(new, entry.parent_version)
    held, held_weights = lineage.held.copy(), lineage.held_weights.copy()
    held[entry.arrival_id] = _closed(new, entry)
    if weights:
        held_weights.setdefault(weights, entry.seq)
    change = {"held": held, "held_weights": held_weights}
    new["lineages"][entry.lineage] = lineage.model_copy(update=change)


def _closed(new: dict[str, Any], entry: Decided) -> Closed:
    known: Open | Closed | None = new["open"].get(entry.arrival_id) or new["closed"].get(entry.arrival_id)
    accepted_seq, mark = (known.accepted_seq, known.etag_mark) if known else (0, 0)
    return Closed(entry.decision, entry.seq, accepted_seq, mark)


def _begun(new: dict[str, Any], start: int | None) -> Lineage:
    """Give a lineage that starts from a version of another."""
    point: Point = new["versions"].get(start) or Point(lineage="main")
    return Lineage(index=point.index or 0, newest=point.newest, start=start)


def _advance(new: dict[str, Any], entry: Decided) -> None:
    lineage: Lineage = new["lineages"].get(entry.lineage, Lineage())
    change: dict[str, Any] = {"index": entry.index}
    if entry.decision == "promoted":
        change["head"] = entry.registry_version
        change["newest"] = _later(lineage.newest, _span(entry.source))
    new["lineages"][entry.lineage] = lineage.model_copy(update=change)


def _span(source: SourceRef | None) -> tuple[date, date] | None:
    return (source.period.start, source.period.end) if source else None


def _later(one: tuple[date, date] | None, other: tuple[date, date] | None) -> tuple[date, date] | None:
    return max(one, other) if one and other else one or other


def _point(entry: Decided, lineage: Lineage | None) -> Point:
    return Point(
        lineage=entry.lineage,
        role="champion" if entry.decision == "promoted" else "candidate",
        arrival_id=entry.arrival_id,
        index=entry.index,
        span=_span(entry.source),
        gate_accuracy=entry.figures.get("gate_accuracy"),
        data=entry.digests.data if entry.digests else None,
        served_sha256=entry.weights_sha256,
        stem_sha256=entry.stem_sha256,
        newest=lineage.newest if lineage else None,
    )


def _move(new: dict[str, Any], version: int) -> None:
    if version != new["champion"]:
        new["previous"], new["champion"] = new["champion"], version
    _set_role(new, version, "champion")


def _set_role(new: dict[str, Any], version: int | None, role: str) -> None:
    if version is not None:
        point: Point = new["versions"].get(version, Point(lineage=new["lineage"]))
        new["versions"][version] = point.model_copy(update={"role": role})


def _promoted(new: dict[str, Any], entry: Promoted) -> None:
    new["to_project"] = entry.seq
    if entry.arrival_id in new["closed"]:
        closed: Closed = new["closed"][entry.arrival_id]
        new["closed"][entry.arrival_id] = closed._replace(decision="promoted")
    _become_head(new, entry.registry_version)
    _move(new, entry.registry_version)


def _become_head(new: dict[str, Any], version: int) -> None:
    """A person promoted what the gate had not: the lineage has come as far as its source."""
    point: Point | None = new["versions"].get(version)
    if point is None:
        return
    newest = _later(point.newest, point.span)
    new["versions"][version] = point.model_copy(update={"newest": newest})
    lineage: Lineage = new["lineages"].get(point.lineage, Lineage())
    change = {"head": version, "newest": _later(lineage.newest, newest)}
    new["lineages"][point.lineage] = lineage.model_copy(update=change)


def _rolled_back(new: dict[str, Any], entry: RolledBack) -> None:
    new["to_project"] = entry.seq
    _set_role(new, new["champion"], "retired")
    if entry.registry_version in new["versions"]:  # whose lineage the next arrivals go on with
        new["lineage"] = new["versions"][entry.registry_version].lineage
    _move(new, entry.registry_version)


def _switched(new: dict[str, Any], entry: Switched) -> None:
    new["to_project"] = entry.seq
    lineage: Lineage = new["lineages"].get(entry.lineage) or _begun(new, entry.registry_version)
    for arrival, closed in lineage.held.items():
        new["open"].pop(arrival, None)
        new["closed"][arrival] = closed
    for weights, seq in lineage.held_weights.items():
        new["weights"].setdefault(weights, seq)
    emptied = {"held": ClosedArrivals(), "held_weights": SeqByWeights()}
    new["lineages"][entry.lineage] = lineage.model_copy(update=emptied)
    new["lineage"] = entry.lineage
    _move(new, entry.registry_version)


def _requeued(new: dict[str, Any], entry: Requeued) -> None:
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


def _withdrawn(new: dict[str, Any], entry: Withdrawn) -> None:
    new["withdrawn"][entry.arrival_id] = entry.seq
    new["open"].pop(entry.arrival_id, None)


def _paused(new: dict[str, Any], _: Paused) -> None:
    new["paused"] = True


def _resumed(new: dict[str, Any], _: Resumed) -> None:
    new["paused"] = False


def _weights_of(source: SourceRef) -> str:
    return weights_id(source.series, source.period.label, source.weights_sha256)


_RULES: dict[type, Callable[[dict[str, Any], Any], None]] = {
    Accepted: _accepted,
    Attempted: _attempted,
    Decided: _decided,
    Requeued: _requeued,
    Withdrawn: _withdrawn,
    Promoted: _promoted,
    RolledBack: _rolled_back,
    Switched: _switched,
    Paused: _paused,
    Resumed: _resumed,
}
