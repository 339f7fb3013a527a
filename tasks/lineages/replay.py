"""The replay of late arrivals: what it builds, and what is said of them when it did not take over."""

from collections.abc import Sequence

from tasks.arrivals.arrival import Arrival
from tasks.arrivals.unit import digests_of, source_of
from tasks.candidates.gate import Verdict
from tasks.contracts.journal import Decided, Entry, Reason
from tasks.contracts.state import State
from tasks.contracts.target import Target
from tasks.journal.history import History
from tasks.journal.log import Journal, Stamp
from tasks.lineages.course import Left, settled, start_before
from tasks.lineages.rebuild import Rebuild


def replay_of(
    target: Target, history: History, late: Sequence[Arrival], *, left: Left = lambda _: True
) -> Rebuild:
    """Say what the replay of a batch of late arrivals builds: all from its earliest period on.

    left: see start_before.
    """
    first = min(late, key=lambda arrival: arrival.order).manifest.period
    since = (first.start, first.end)
    rebuild = Rebuild(
        target=target.name,
        kind="replay",
        label=first.label,
        origin=history.state.lineage,
        start=start_before(history, since, left=left),
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
