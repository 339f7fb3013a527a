"""Move the champion back to an earlier one: `grasp rollback`, as a form in Prefect's UI.

Runs on the CPU pool, where it waits for no absorb. Needs the bucket, MLflow and the extra `absorb`.
"""

from typing import Annotated, Any

from prefect import State, flow
from prefect.states import Completed
from pydantic import Field

from tasks.credentials.discretion import discreet
from tasks.extras import need_absorb


@flow(name="rollback", flow_run_name="rollback-{target}", persist_result=False)
def rollback(target: str, reason: str, version: Annotated[int, Field(ge=1)] | None = None) -> State[Any]:
    """Move the champion back, at once; later arrivals build on it.

    Args:
        target: its name, such as digits-now
        reason: why, for the journal, such as "worse on the night shift"
        version: number of an earlier champion, such as 5; without one, the champion before this one

    """
    with discreet():
        need_absorb("the flow rollback")
        from flows.by_hand import roll_back_by_hand

        return Completed(message=roll_back_by_hand(target, version, reason=reason, by="rollback"))
