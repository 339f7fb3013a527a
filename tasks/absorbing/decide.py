"""The journal side of one unit: claim an attempt, commit the decision."""

from tasks.arrivals.arrival import MAX_ATTEMPTS, Arrival, check_duplicate
from tasks.arrivals.lateness import check_late
from tasks.arrivals.refuse import refuse_arrival
from tasks.arrivals.unit import Unit, check_unmoved
from tasks.bucket.patience import patiently
from tasks.candidates.gate import Verdict
from tasks.contracts.journal import Attempted, Decided, Entry, Reason, Requeued
from tasks.contracts.state import State
from tasks.contracts.target import Target
from tasks.errors import BadArrival
from tasks.journal.log import Journal, Stamp
from tasks.printable import printable


def claim(journal: Journal, target: Target, arrival: Arrival, *, flow_run: str) -> bool:
    """Record that an attempt begins. False when the target is paused, or the arrival no longer open.

    Decided here: a duplicate of one absorbed since, attempts used up, or late where late ones are parked.
    """
    try:
        state = journal.transact(lambda state, stamp: _attempt(state, stamp, target, arrival, flow_run))
    except BadArrival as error:
        refuse_arrival(journal, arrival.id, error)
        return False
    return arrival.id in state.open and not state.paused


def take_back(journal: Journal, arrival: Arrival, *, reason: str) -> None:
    """Record that an attempt does not count: the infrastructure failed, or another writer was faster."""

    def think(state: State, stamp: Stamp) -> Entry | None:
        opened = state.open.get(arrival.id)
        if opened is None or opened.attempts == arrival.attempts:
            return None
        return _again(arrival, stamp, reason, attempts=arrival.attempts)

    patiently(lambda: journal.transact(think))


def break_off(journal: Journal, arrival: Arrival, *, reason: str) -> None:
    """Record that an attempt ended without a decision, and why: it counts, and the wait begins now."""

    def think(state: State, stamp: Stamp) -> Entry | None:
        opened = state.open.get(arrival.id)
        return _again(arrival, stamp, reason, attempts=opened.attempts) if opened else None

    patiently(lambda: journal.transact(think))


def _again(arrival: Arrival, stamp: Stamp, reason: str, *, attempts: int) -> Requeued:
    said = printable(reason, limit=1000) or "no reason was given"
    return Requeued(**stamp._asdict(), arrival_id=arrival.id, reason=said, attempts=attempts)


def best_earlier(state: State, *, lineage: str, parent: int | None, data: str) -> int | None:
    """Give the best earlier champion of a lineage on these data, if it beats the parent.

    parent: the version that the candidate is held against first, in the current lineage the champion.
    """
    return next(iter(better_earlier(state, lineage=lineage, parent=parent, data=data)), None)


def better_earlier(state: State, *, lineage: str, parent: int | None, data: str) -> list[int]:
    """Give the earlier champions that beat the parent, the best first; see best_earlier."""
    champion = state.versions.get(parent) if parent else None
    rivals = {
        version: point.gate_accuracy
        for version, point in state.versions.items()
        if point.role == "champion"
        and point.lineage == lineage
        and point.data == data
        and point.gate_accuracy is not None
    }
    if not champion:
        return []
    best_first = sorted(rivals, key=lambda version: (-rivals[version], version))
    if champion.data != data or champion.gate_accuracy is None:
        return best_first
    floor = champion.gate_accuracy
    return [version for version in best_first if rivals[version] > floor]


def commit(
    journal: Journal,
    unit: Unit,
    verdict: Verdict,
    *,
    registry_version: int | None,
    weights_sha256: str | None,
    stem_sha256: str | None,
    mlflow_run_id: str,
    figures: dict[str, float],
) -> Decided:
    """Append the decision: the commit of an absorb.

    Raises JournalMoved when the arrival was decided, or the champion or lineage moved, since the unit was
    planned: nothing is written then.
    """

    def think(state: State, stamp: Stamp) -> Entry:
        check_unmoved(state, unit)
        return Decided(
            **stamp._asdict(),
            arrival_id=unit.arrival_id,
            decision=verdict.decision,
            reason_code=verdict.code,
            reason=_reason(unit, verdict),
            source=unit.source,
            lineage=unit.lineage,
            index=unit.index,
            registry_version=registry_version,
            parent_version=unit.parent_version,
            weights_sha256=weights_sha256,
            stem_sha256=stem_sha256,
            mlflow_run_id=mlflow_run_id,
            figures=figures | verdict.figures,
            digests=unit.digests,
        )

    state = journal.transact(think)
    entry = journal.entry(state.seq)
    if not isinstance(entry, Decided):
        raise TypeError(f"journal of {unit.target}: entry {state.seq} is no decision")
    return entry


def _attempt(state: State, stamp: Stamp, target: Target, arrival: Arrival, flow_run: str) -> Entry | None:
    opened = state.open.get(arrival.id)
    if opened is None or state.paused:
        return None
    check_duplicate(arrival.manifest, state)
    _check_attempts(arrival, opened.attempts)
    check_late(arrival, state, target)
    return Attempted(**stamp._asdict(), arrival_id=arrival.id, n=opened.attempts + 1, flow_run=flow_run)


def _check_attempts(arrival: Arrival, attempts: int) -> None:
    if attempts >= MAX_ATTEMPTS:
        raise BadArrival(
            "attempts_exhausted",
            object=arrival.manifest.key,
            found=f"{attempts} attempts that ended without a decision",
            needed="one that ends",
            next="parked; read the logs of its flow runs, then requeue it",
        )


def _reason(unit: Unit, verdict: Verdict) -> Reason:
    champion = f"the head of lineage {unit.lineage}" if unit.rebuilds else "the champion"
    following = {
        "promoted": f"{champion.removeprefix('the ')} moves to this version",
        "rejected": f"{champion} stays",
        "parked": "waits for a person",
    }
    return Reason(
        object=unit.manifest_key,
        found=verdict.found,
        needed=verdict.needed,
        next=following.get(verdict.decision, "nothing changes"),
    )
