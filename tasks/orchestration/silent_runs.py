"""Runs that have sent no heartbeat for long: their process is gone, and nobody has noticed."""

from datetime import UTC, datetime, timedelta
from typing import Any

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import State, StateType
from prefect.events.filters import EventFilter, EventNameFilter, EventOccurredFilter, EventResourceFilter
from prefect.states import Crashed

from tasks.orchestration.absorb_runs import ENDED_WHEN_STALE
from tasks.orchestration.flow_runs import connected, runs_in

HEARTBEAT = "prefect.flow-run.heartbeat"
SILENT_S = 300.0  # deployed runs beat every 30 s, those by hand every 180 s
RUNS = "prefect.flow-run."


def end_silent(*, silent_s: float = SILENT_S) -> list[str]:
    """Crash the RUNNING runs of our flows without a heartbeat for so long; give their ids.

    The zombie automation does so within 90 s, but only for a run whose first heartbeat reached it: one that
    was lost with Redis leaves a run that would hold its target for ever. While the server keeps no events at
    all, nobody is ended. A run that lives after all loses the journal's race, or wins it; both are right.
    Raises OrchestrationUnavailable or OrchestrationRefused.
    """
    since = datetime.now(UTC) - timedelta(seconds=silent_s)
    said: State[Any] = Crashed(message=f"no heartbeat for {silent_s:.0f} s: its process is gone")
    with connected() as client:
        running = runs_in(client, {StateType.RUNNING}, flows=ENDED_WHEN_STALE)
        old = [run for run in running if run.start_time and run.start_time < since]
        if not old or not _has_events(client, since, prefix=[RUNS]):
            return []
        silent = [run.id for run in old if not _has_events(client, since, name=[HEARTBEAT], run=str(run.id))]
        for each in silent:
            client.set_flow_run_state(each, said)  # not by force: one that has ended meanwhile stays so
    return [str(each) for each in silent]


def _has_events(
    client: SyncPrefectClient,
    since: datetime,
    *,
    name: list[str] | None = None,
    prefix: list[str] | None = None,
    run: str | None = None,
) -> bool:
    """Say whether the server keeps an event of this kind since then."""
    wanted = EventFilter(
        occurred=EventOccurredFilter.model_validate({"since": since}),
        event=EventNameFilter(name=name, prefix=prefix),
        resource=EventResourceFilter(id=[f"{RUNS}{run}"]) if run else None,
    )
    return client.read_events(filter=wanted, limit=1).total > 0
