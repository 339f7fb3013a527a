"""What the flows ask of Prefect: start an absorb, find who is at work, end what died unseen."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, cast
from uuid import UUID

from prefect.client.schemas.objects import TERMINAL_STATES, FlowRun, State, StateType
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound
from prefect.runtime import flow_run as this_flow_run
from prefect.states import Crashed
from prefect.utilities.urls import url_for

from tasks.errors import OrchestrationRefused
from tasks.orchestration.flow_runs import connected, count_in, runs_in, translated

ABSORB_FLOW = "absorb"
ABSORB_DEPLOYMENT = "absorb/absorb"
REBUILD_FLOWS = ("backfill", "retract")
WATCH_FLOW = "watch"
TEND_FLOW = "tend"
BY_HAND_FLOWS = ("rollback", "promote", "target-set")
ENDED_WHEN_STALE = (ABSORB_FLOW, WATCH_FLOW, TEND_FLOW, *REBUILD_FLOWS, *BY_HAND_FLOWS)
STARTED = frozenset({StateType.RUNNING, StateType.CANCELLING, StateType.PAUSED})
UNENDED = frozenset(StateType) - TERMINAL_STATES


class CurrentFlowRun(NamedTuple):
    """The flow run that this code runs in."""

    id: str
    name: str


class LivingRun(NamedTuple):
    """A flow run that is at work. page: where Prefect's UI shows it; None where that is not known."""

    id: str
    name: str
    since: datetime | None
    page: str | None

    @property
    def words(self) -> str:
        """Name it for people."""
        since = f" since {self.since:%Y-%m-%d %H:%M} UTC" if self.since else ""
        return f"flow run {self.name}, at work{since}" + (f" ({self.page})" if self.page else "")


def current_flow_run() -> CurrentFlowRun | None:
    """Tell in which flow run we are; None outside of one."""
    if not this_flow_run.id:
        return None
    return CurrentFlowRun(str(this_flow_run.id), str(this_flow_run.name))


def trigger_absorb(target: str, *, ready: Sequence[str]) -> str | None:
    """Start the absorb deployment for a target and give the flow run's id.

    ready: ids of the arrivals that wait. Starts none, and gives None, while a run of the target has not
    ended. Triggers that race with the same view of the world start one run: their keys are equal.
    Raises OrchestrationUnavailable when the API does not answer, OrchestrationRefused when it says no.
    """
    with connected() as client:
        if any(_is_for(run, target) for run in runs_in(client, UNENDED, flows=[ABSORB_FLOW])):
            return None
        ended = count_in(client, TERMINAL_STATES, flow=ABSORB_FLOW, tag=_tag(target))
    key = _digest(target, *sorted(ready), str(ended))
    while True:
        flow_run = _start(target, key=key)
        if flow_run.state is None or not flow_run.state.is_final():
            return str(flow_run.id)
        # The vacuum deletes old runs, so a count can come back and its key name a run that has ended.
        key = _digest(key, str(flow_run.id))


def older_living_run(
    target: str, *, flow_run_id: str, flows: Sequence[str] = (ABSORB_FLOW,)
) -> LivingRun | None:
    """Find a started run of the target that is still alive and older than this one; None when there is none.

    Only started runs count, in order of start, then id: so no two runs can wait for each other, and one
    that was created first but starts last gives way. Raises as trigger_absorb.
    """
    with connected() as client:
        runs = [run for run in runs_in(client, STARTED, flows=flows) if _is_for(run, target)]
    mine = next((run for run in runs if str(run.id) == flow_run_id), None)
    older = [run for run in runs if mine is None or _age(run) < _age(mine)]
    if not older:
        return None
    first = min(older, key=_age)
    return LivingRun(str(first.id), first.name, first.start_time, url_for("flow-run", obj_id=first.id))


def living_runs(target: str) -> frozenset[str]:
    """Give the ids of the started runs that may work on a target: absorbs, backfills, retracts."""
    with connected() as client:
        found = runs_in(client, STARTED, flows=[ABSORB_FLOW, *REBUILD_FLOWS])
        return frozenset(str(run.id) for run in found if _is_for(run, target))


def end_stale_pending(target: str | None = None, *, older_than_s: float) -> list[str]:
    """Crash the runs that a worker took but never began; give their ids.

    A process that dies before its first heartbeat stays PENDING: the zombie automation never sees it, and
    it would hold its pool's slot for ever. Looks at all flows of ours, of one target when it is named.
    Raises as trigger_absorb.
    """
    limit = datetime.now(UTC) - timedelta(seconds=older_than_s)
    said: State[Any] = Crashed(message=f"PENDING for over {older_than_s:.0f} s: died before it began")
    with connected() as client:
        stale = [
            run
            for run in runs_in(client, {StateType.PENDING}, flows=ENDED_WHEN_STALE)
            if run.state and run.state.timestamp < limit and (target is None or _is_for(run, target))
        ]
        for run in stale:
            client.set_flow_run_state(run.id, said, force=True)
    return [str(run.id) for run in stale]


def _start(target: str, *, key: str) -> FlowRun:
    with translated():
        try:
            started = run_deployment(
                ABSORB_DEPLOYMENT,
                parameters={"target": target},
                tags=[_tag(target)],
                idempotency_key=key,
                timeout=0,
                as_subflow=False,
            )
        except ObjectNotFound as error:
            raise OrchestrationRefused(
                f"deployment {ABSORB_DEPLOYMENT} is not on the Prefect server that PREFECT_API_URL names; "
                "deploy it with `prefect --no-prompt deploy --all`; nothing was started"
            ) from error
    return cast("FlowRun", started)  # a coroutine only when called from async code


def _is_for(run: FlowRun, target: str) -> bool:
    """Recognise a target's run; one that a person started by hand has no tag."""
    return _tag(target) in run.tags or run.parameters.get("target") == target


def _age(run: FlowRun) -> tuple[datetime, UUID]:
    return run.start_time or datetime.max.replace(tzinfo=UTC), run.id


def _tag(target: str) -> str:
    return f"target:{target}"


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
