"""Late arrivals: sources of a period before the greatest that the current lineage has absorbed."""

from collections.abc import Sequence

from tasks.arrivals import Arrival
from tasks.contracts.journal import Decided, Entry, Reason
from tasks.contracts.state import Lineage, State
from tasks.contracts.target import Target
from tasks.course import settled, start_before
from tasks.errors import BadArrival
from tasks.gate import Verdict
from tasks.history import History
from tasks.journal import Journal, Stamp
from tasks.rebuild import Rebuild
from tasks.units import digests_of, source_of


def is_late(arrival: Arrival, state: State) -> bool:
    """Say whether an arrival is late; never one that a person requeued, who wants it absorbed now."""
    newest = state.lineages.get(state.lineage, Lineage()).newest
    opened = state.open.get(arrival.id)
    period = arrival.manifest.period
    return bool(newest and (period.start, period.end) < newest and not (opened and opened.requeued))


def check_late(arrival: Arrival, state: State, target: Target) -> None:
    """Refuse a late arrival where late ones are parked. Raises BadArrival."""
    if target.late != "park" or not is_late(arrival, state):
        return
    newest = state.lineages[state.lineage].newest or ("", "")
    period = arrival.manifest.period
    raise BadArrival(
        "late",
        object=arrival.manifest.key,
        found=f"period {period.start}..{period.end}, before {newest[0]}..{newest[1]}, absorbed already",
        needed="a later period",
        next=f"parked; take it in with grasp backfill --from {period.label}, or requeue it to append it",
    )


def replay_of(target: Target, history: History, late: Sequence[Arrival]) -> Rebuild:
    """Say what the replay of a batch of late arrivals builds: all from its earliest period on."""
    first = min(late, key=lambda arrival: arrival.order).manifest.period
    since = (first.start, first.end)
    rebuild = Rebuild(
        target=target.name,
        kind="replay",
        label=first.label,
        origin=history.state.lineage,
        start=start_before(history, since),
        since=since,
        until=None,
        without=frozenset(),
        settings=target.absorb,
        data=digests_of(target).data,
    )
    return settled(history, rebuild)


def decline(journal: Journal, arrival: Arrival, verdict: Verdict | None, *, lineage: str) -> None:
    """Decide a late arrival whose replay did not take over; verdict: None when it changed nothing."""

    def think(state: State, stamp: Stamp) -> Entry | None:
        if arrival.id not in state.open:
            return None
        parked = verdict is not None and verdict.decision == "parked"
        found = verdict.found if verdict else "its replay ended with the champion that was there"
        return Decided(
            **stamp._asdict(),
            arrival_id=arrival.id,
            decision="parked" if parked else "rejected",
            reason_code=verdict.code if verdict else "no_gain",
            reason=Reason(
                object=f"{arrival.manifest.key}, replayed as lineage {lineage}",
                found=found,
                needed=verdict.needed if verdict else "another model",
                next="waits for a person: grasp promote" if parked else "the champion stays",
            ),
            source=source_of(arrival.manifest),
            lineage=state.lineage,
        )

    journal.transact(think)
