"""Nobody may be at work on a target while what a run needs is deleted."""

from collections.abc import Sequence

from tasks.errors import OperationRefused, OrchestrationUnavailable
from tasks.orchestration.absorb_runs import older_living_run


def check_idle(target: str, *, flows: Sequence[str]) -> None:
    """Raise OperationRefused while a run of these flows is at work on a target.

    Raises OrchestrationUnavailable when that cannot be told, OrchestrationRefused when Prefect says no.
    """
    try:
        living = older_living_run(target, flow_run_id="", flows=flows)
    except OrchestrationUnavailable as error:
        raise OrchestrationUnavailable(
            f"target {target}: the Prefect API, which knows whether a run is at work on it, did not answer "
            f"({error.__cause__}); nothing was deleted"
        ) from error
    if living:
        raise OperationRefused(
            f"target {target}: {living.words}, may need what would be deleted; "
            "wait for it, or cancel it first; nothing was deleted"
        )
