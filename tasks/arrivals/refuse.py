"""Decide a bad arrival: quarantined, parked or a duplicate, with a reason that a person understands."""

import logging

from grasp_core.errors import GraspError, NonFiniteLoss
from tasks.arrivals.unit import Unit, check_unmoved
from tasks.contracts.journal import Decided, Decision, Entry, Reason, SourceRef
from tasks.contracts.state import Brief, State
from tasks.errors import BadArrival, Refusal
from tasks.journal.log import Journal, Stamp

log = logging.getLogger(__name__)

_DECISIONS: dict[Refusal, Decision] = {
    "newer_schema": "parked",
    "attempts_exhausted": "parked",
    "late": "parked",
    "same_weights": "duplicate",
}


def refuse_arrival(journal: Journal, arrival_id: str, error: BadArrival) -> State:
    """Decide a bad arrival, unless another writer did."""

    def think(state: State, stamp: Stamp) -> Entry | None:
        if arrival_id not in state.open:
            return None
        return Decided(
            **stamp._asdict(),
            arrival_id=arrival_id,
            decision=_DECISIONS.get(error.code, "quarantined"),
            reason_code=error.code,
            reason=reason_of(error),
            source=_source(state.open[arrival_id].brief),
            lineage=state.lineage,
        )

    log.warning("%s", error)
    return journal.propose(think)


def refuse_beside(journal: Journal, unit: Unit, error: BadArrival) -> None:
    """Decide a source that a rebuilt lineage cannot absorb, in that lineage only. Raises JournalMoved."""

    def think(state: State, stamp: Stamp) -> Entry:
        check_unmoved(state, unit)
        return Decided(
            **stamp._asdict(),
            arrival_id=unit.arrival_id,
            decision=_DECISIONS.get(error.code, "quarantined"),
            reason_code=error.code,
            reason=reason_of(error),
            source=unit.source,
            lineage=unit.lineage,
            parent_version=unit.parent_version,
        )

    log.warning("lineage %s: %s", unit.lineage, error)
    journal.transact(think)


def _source(brief: Brief | None) -> SourceRef | None:
    if brief is None:
        return None
    return SourceRef(
        series=brief.series, period=brief.period, rev=brief.rev, weights_sha256=brief.weights.sha256
    )


def reason_of(error: BadArrival) -> Reason:
    """Give the four parts of an error as the journal keeps them."""
    return Reason(object=error.object, found=error.found, needed=error.needed, next=error.next)


def unfit(key: str, error: GraspError) -> BadArrival:
    """Say of a source that the core refused it, or that training on it diverged."""
    code: Refusal = "loss" if isinstance(error, NonFiniteLoss) else "weights_tensors"
    return BadArrival(code, object=key, found=str(error), needed="a source that fits the target")
