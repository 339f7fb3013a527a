"""Watch runs that say nothing any more are cleared away, so that the runs page shows work."""

import logging
from datetime import UTC, datetime, timedelta
from itertools import chain, islice

from prefect.client.schemas.objects import FlowRun, StateType
from prefect.exceptions import ObjectNotFound

from tasks.orchestration.absorb_runs import TEND_FLOW, WATCH_FLOW
from tasks.orchestration.flow_runs import connected, runs_in

KEPT = timedelta(minutes=10)  # of those that looked and found no fault
AT_ONCE = 100
NEVER = datetime.min.replace(tzinfo=UTC)

log = logging.getLogger(__name__)


def clear_watches(*, deployment: str | None = None, began: datetime | None = None) -> int:
    """Delete watches that wait and would see nothing new, cancelled ones, and old ones that ended well.

    A poll that waits for a watch to end would look at once what that one has just seen; so would one that the
    receiver asked for, if it was due before that watch began. What a person asked for waits and looks; those
    that failed stay for the vacuum. Says how many went.
    deployment: whose go, for others look at other targets; None for those of all. began: when the watch that
    asks began to look.
    Raises OrchestrationUnavailable when the API does not answer, OrchestrationRefused when it says no.
    """
    now = datetime.now(UTC)
    with connected() as client:
        ended = runs_in(client, {StateType.CANCELLED, StateType.COMPLETED}, flows=[WATCH_FLOW, TEND_FLOW])
        waiting = (
            run
            for run in runs_in(client, {StateType.SCHEDULED}, flows=[WATCH_FLOW])
            if deployment in (None, str(run.deployment_id))
        )
        found = (run for run in chain(waiting, ended) if _is_done_with(run, now, began or NEVER))
        gone = list(islice(found, AT_ONCE))
        for run in gone:
            try:
                client.delete_flow_run(run.id)
            except ObjectNotFound:
                log.debug("watch run %s was cleared away by another watch", run.id)
    return len(gone)


def _is_done_with(run: FlowRun, now: datetime, began: datetime) -> bool:
    match run.state_type:
        case StateType.CANCELLED:
            return True
        case StateType.SCHEDULED:
            seen = now if run.auto_scheduled else began if _by_event(run) else NEVER
            return run.expected_start_time is not None and run.expected_start_time < seen
        case _:
            return run.end_time is not None and run.end_time < now - KEPT


def _by_event(run: FlowRun) -> bool:
    """Whether an automation made it: for a watch that is the trigger that the receiver's event fires."""
    return run.created_by is not None and run.created_by.type == "AUTOMATION"
