"""Withdraw a source by a person's word, and say what has to be rebuilt without it."""

from tasks.arrivals.unit import digests_of
from tasks.contracts.journal import Decided, Entry, Reason, Withdrawn
from tasks.contracts.state import State
from tasks.contracts.target import Target
from tasks.journal.history import History, span_of
from tasks.journal.log import Journal, Stamp
from tasks.lineages.course import Left, last_left, settled
from tasks.lineages.rebuild import Rebuild
from tasks.reason import checked_reason


def withdraw(journal: Journal, arrival: str, *, reason: str) -> None:
    """Record that a person retracts an arrival; one that is open is decided, so that it stays out."""
    said = checked_reason(reason)
    journal.transact(lambda state, stamp: _out_of_the_queue(state, stamp, arrival, said))

    def think(state: State, stamp: Stamp) -> Entry | None:
        if arrival in state.withdrawn:
            return None
        return Withdrawn(**stamp._asdict(), arrival_id=arrival, reason=f"retracted: {said}"[:1000])

    journal.transact(think)


def retract_of(
    target: Target, history: History, arrival: str, *, left: Left = lambda _: True
) -> Rebuild | None:
    """Say what has to be built so that the champion does without an arrival; None when it does already.

    left: says whether a version's bytes are left.
    """
    chain = history.chain(history.state.champion)
    at = next((i for i, decided in enumerate(chain) if decided.arrival_id == arrival), None)
    if at is None:
        return None
    retracted = chain[at]
    rebuild = Rebuild(
        target=target.name,
        kind="retract",
        label=retracted.source.period.label if retracted.source else str(at + 1),
        origin=history.state.lineage,
        start=last_left([decided.registry_version for decided in chain[:at]], left),
        since=span_of(retracted),
        until=None,
        without=frozenset(),
        settings=target.absorb,
        data=digests_of(target).data,
    )
    return settled(history, rebuild)


def _out_of_the_queue(state: State, stamp: Stamp, arrival: str, reason: str) -> Entry | None:
    opened = state.open.get(arrival)
    if opened is None:
        return None
    brief = opened.brief
    what = f"{brief.series}/{brief.period.label}" if brief else arrival
    return Decided(
        **stamp._asdict(),
        arrival_id=arrival,
        decision="quarantined",
        reason_code="retracted",
        reason=Reason(object=what, found=f"retracted: {reason}", needed="nothing", next="never absorbed"),
        lineage=state.lineage,
    )
