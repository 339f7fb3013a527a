"""Absorb periods again, in order, from the version before them, as a new lineage beside the current one.

Runs on the GPU pool or by `grasp backfill`. Prints what would happen unless told to go on. Takes the champion
only through the gate, by one journal entry. Interrupted, the same request goes on where it was. Needs the
bucket, MLflow and the Prefect API.
"""

from typing import Any

from prefect import State, flow
from prefect.runtime import flow_run
from prefect.states import Completed

from tasks.contracts.rebuild import BackfillRequest
from tasks.credentials.discretion import discreet


@flow(name="backfill", flow_run_name="backfill-{target}-{request.from_period}", persist_result=False)
def backfill(target: str, request: BackfillRequest) -> State[Any]:
    """Rebuild a target's lineage from a period on.

    Args:
        target: its name, such as digits-now
        request: what to absorb again, and how far to go

    """
    with discreet():
        from flows.rebuild_target import backfill_target

        return Completed(message=backfill_target(target, request, flow_run=str(flow_run.id)))
