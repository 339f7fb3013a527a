"""Absorb every ready source of a target, in period order: fetch, align, transfer, fine-tune, gate, commit.

Runs on the GPU pool, started by the watch or by hand. Needs the bucket, MLflow and the Prefect API. Whoever
runs twice at once is harmless: the journal's compare-and-swap lets one decision through.
"""

from typing import Any

from prefect import State, flow
from prefect.runtime import flow_run
from prefect.states import Completed

from tasks.credentials.discretion import discreet
from tasks.orchestration.absorb_runs import older_living_run


@flow(name="absorb", flow_run_name="absorb-{target}", persist_result=False)
def absorb(target: str) -> State[Any]:
    """Absorb all that is ready for a target; end at once when an older run of it is at work.

    Args:
        target: its name, such as digits-now

    """
    with discreet():
        own_id = str(flow_run.id)
        holder = older_living_run(target, flow_run_id=own_id)
        if holder:
            return Completed(
                message=f"held by {holder.words}: it absorbs this target and takes all that is ready; "
                "nothing was done here"
            )
        # torch and mlflow take seconds to import: a run that is held back, or dies early, waits for neither
        from flows.absorb_units import absorb_all

        return Completed(message=f"{absorb_all(target, flow_run=own_id)}; none left that is ready")
