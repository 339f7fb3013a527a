"""Take a source out of a target: a `withdrawn` entry, then the lineage without it, through the gate.

Runs on the GPU pool or by `grasp retract`. Interrupted, the same command goes on where it was. Needs the
bucket, MLflow and the Prefect API.
"""

from typing import Any

from prefect import State, flow
from prefect.runtime import flow_run
from prefect.states import Completed

from tasks.credentials.discretion import discreet
from tasks.credentials.redact import redacted


@flow(name="retract", flow_run_name="retract-{arrival}-from-{target}", persist_result=False)
def retract(target: str, arrival: str, reason: str) -> State[Any]:
    """Withdraw an arrival and rebuild what was made with it.

    Args:
        target: its name, such as digits-now
        arrival: the source as series/period/rev, such as digits/2015/1; its manifest's key or its id, too
        reason: why, for the journal, such as "trained on leaked labels"

    """
    with discreet():
        from flows.rebuild_target import retract_source

        said = retract_source(target, arrival, reason=reason, flow_run=str(flow_run.id))
        return Completed(message=redacted(said))
