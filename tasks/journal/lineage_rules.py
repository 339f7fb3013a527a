"""What entries about versions and lineages do to a state: one small rule per kind of entry."""

import hashlib
from datetime import date
from typing import Any

from tasks.contracts.changed import Measured
from tasks.contracts.journal import Decided, Promoted, RolledBack, SourceRef, Switched
from tasks.contracts.state import Closed, ClosedArrivals, Lineage, Open, Point, SeqByWeights

_ABSORBED = {"promoted", "rejected"}


def weights_id(series: str, label: str, sha256: str) -> str:
    """Name what may be absorbed once: these weights in this period of this series."""
    return hashlib.sha256(f"{series}/{label}/{sha256}".encode()).hexdigest()[: 2 * SeqByWeights.KEY_BYTES]


def decided(new: dict[str, Any], entry: Decided) -> None:
    """Close an arrival, or hold its decision in a lineage beside the current one."""
    current = entry.lineage == new["lineage"]
    absorbed = entry.decision in _ABSORBED or entry.reason_code == "manual"
    weights = _weights_of(entry.source) if absorbed and entry.source else None
    if current:
        _close(new, entry, weights)
    else:
        _hold(new, entry, weights)
    if entry.index is not None:
        _advance(new, entry)
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


def promoted(new: dict[str, Any], entry: Promoted) -> None:
    """Move the champion by a person's word."""
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


def rolled_back(new: dict[str, Any], entry: RolledBack) -> None:
    """Move the champion back, and the lineage with it."""
    new["to_project"] = entry.seq
    _set_role(new, new["champion"], "retired")
    if entry.registry_version in new["versions"]:  # whose lineage the next arrivals go on with
        new["lineage"] = new["versions"][entry.registry_version].lineage
    _move(new, entry.registry_version)


def switched(new: dict[str, Any], entry: Switched) -> None:
    """Make a lineage that was built beside the current one."""
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


def measured(new: dict[str, Any], entry: Measured) -> None:
    """Take what versions have on the target's data now in place of what they had on other data."""
    new["to_project"] = entry.seq
    for each in entry.versions:
        point: Point | None = new["versions"].get(each.registry_version)
        if point is not None:
            change = {"gate_accuracy": each.gate_accuracy, "data": entry.data}
            new["versions"][each.registry_version] = point.model_copy(update=change)


def _weights_of(source: SourceRef) -> str:
    return weights_id(source.series, source.period.label, source.weights_sha256)
