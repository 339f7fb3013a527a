"""Watch runs that say nothing any more are cleared away, so that the runs page shows work."""

import logging
from datetime import UTC, datetime, timedelta
from itertools import islice

from prefect.client.schemas.objects import FlowRun, StateType
from prefect.exceptions import ObjectNotFound

from tasks.orchestration.absorb_runs import TEND_FLOW, WATCH_FLOW
from tasks.orchestration.flow_runs import connected, runs_in

KEPT = timedelta(minutes=10)  # of those that looked and found no fault
AT_ONCE = 100

log = logging.getLogger(__name__)


def clear_watches() -> int:
    """Delete watches that were cancelled for another one, and old watches and tends that ended well.

    Those that failed stay for the vacuum. Says how many went. Raises OrchestrationUnavailable when the API
    does not answer, OrchestrationRefused when it says no.
    """
    before = datetime.now(UTC) - KEPT
    with connected() as client:
        found = runs_in(client, {StateType.CANCELLED, StateType.COMPLETED}, flows=[WATCH_FLOW, TEND_FLOW])
        gone = list(islice((run for run in found if _is_done_with(run, before)), AT_ONCE))
        for run in gone:
            try:
                client.delete_flow_run(run.id)
            except ObjectNotFound:
                log.debug("watch run %s was cleared away by another watch", run.id)
    return len(gone)


def _is_done_with(run: FlowRun, before: datetime) -> bool:
    if run.state_type == StateType.CANCELLED:
        return True
    return run.end_time is not None and run.end_time < before
