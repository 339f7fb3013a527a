"""Late arrivals: sources of a period before the greatest that the current lineage has absorbed."""

from tasks.arrivals.arrival import Arrival
from tasks.contracts.state import Lineage, State
from tasks.contracts.target import Target
from tasks.errors import BadArrival


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
