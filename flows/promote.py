"""Make a registered version the champion by a person's word: `grasp promote`, as a form in Prefect's UI.

Runs on the CPU pool, where it waits for no absorb. Needs the bucket, MLflow and the extra `absorb`.
"""

from typing import Annotated, Any

from prefect import State, flow, get_run_logger
from prefect.states import Completed
from pydantic import Field

from tasks.credentials.discretion import discreet
from tasks.extras import need_absorb


@flow(name="promote", flow_run_name="promote-{target}-version-{version}", persist_result=False)
def promote(target: str, version: Annotated[int, Field(ge=1)], reason: str) -> State[Any]:
    """Make a version the champion: for gate policy manual, or against the gate.

    Args:
        target: its name, such as digits-now
        version: number of the registered version, such as 7
        reason: why, for the journal, such as "checked by hand"

    """
    with discreet():
        need_absorb("the flow promote")
        from flows.by_hand import promote_by_hand

        warn = get_run_logger().warning
        return Completed(message=promote_by_hand(target, version, reason=reason, by="promote", warn=warn))
