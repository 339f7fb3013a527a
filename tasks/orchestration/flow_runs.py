"""Flow runs as Prefect's API shows them, and what its failures mean to us."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from httpx import HTTPStatusError, TransportError
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas import filters
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.concurrency.asyncio import AcquireConcurrencySlotTimeoutError, ConcurrencySlotAcquisitionError
from prefect.settings import get_current_settings

from tasks.credentials.redact import redacted
from tasks.errors import GraspError, InvalidSettings, OrchestrationRefused, OrchestrationUnavailable

PAGE = 200  # the most runs that the API gives at once
# what the engine raises around a task, too, when it cannot get a slot
_AWAY = (TransportError, ConcurrencySlotAcquisitionError, AcquireConcurrencySlotTimeoutError)


@contextmanager
def connected() -> Iterator[SyncPrefectClient]:
    """Open a client to the server that PREFECT_API_URL names; failures become our errors.

    Raises InvalidSettings when none is named: Prefect would start a server of its own then.
    """
    if not get_current_settings().api.url:
        raise InvalidSettings("PREFECT_API_URL is not set; set it in the environment or in .env")
    with translated(), get_client(sync_client=True) as client:
        yield client


def need_server() -> None:
    """Ask the Prefect server for a sign of life, before a flow begins here.

    Raises InvalidSettings when none is named, OrchestrationUnavailable when it does not answer.
    """
    try:
        with connected() as client:
            client.hello()
    except OrchestrationUnavailable as error:
        raise OrchestrationUnavailable(
            f"PREFECT_API_URL is {get_current_settings().api.url}: no Prefect server answers there "
            f"({type(error.__cause__).__name__}); start it, or name another; nothing was done"
        ) from error


@contextmanager
def translated() -> Iterator[None]:
    """Turn Prefect's failures into OrchestrationUnavailable (try again) or OrchestrationRefused."""
    try:
        yield
    except (TransportError, HTTPStatusError) as error:
        raise orchestration_away(error) or error from error


def orchestration_away(error: BaseException) -> GraspError | None:
    """Give what an error of Prefect's client or engine means in our words; None when it is none of theirs."""
    if isinstance(error, HTTPStatusError):
        said = f"the Prefect API answered {error.response.status_code} to {error.request.url.path}"
        if error.response.status_code >= 500 or error.response.status_code == 429:
            return OrchestrationUnavailable(f"{said}; tried again at the next poll")
        return OrchestrationRefused(f"{said}: {redacted(error.response.text)[:200]}; nothing was changed")
    if isinstance(error, _AWAY):
        said = f"{type(error).__name__}: {error}"
        return OrchestrationUnavailable(
            f"the Prefect API did not answer ({said}); tried again at the next poll"
        )
    return None


def runs_in(
    client: SyncPrefectClient, states: Collection[StateType], *, flows: Sequence[str]
) -> Iterator[FlowRun]:
    """Read all runs of these flows that are in one of these states."""
    offset = 0
    while True:
        page = client.read_flow_runs(
            flow_filter=_named(flows),
            flow_run_filter=filters.FlowRunFilter(state=_in(states)),
            sort=FlowRunSort.ID_DESC,
            limit=PAGE,
            offset=offset,
        )
        yield from page
        if len(page) < PAGE:
            return
        offset += PAGE


def count_in(client: SyncPrefectClient, states: Collection[StateType], *, flow: str, tag: str) -> int:
    """Count the runs of a flow that carry a tag and are in one of these states."""
    tagged = filters.FlowRunFilterTags(all_=[tag])
    return client.count_flow_runs(
        flow_filter=_named([flow]),
        flow_run_filter=filters.FlowRunFilter(tags=tagged, state=_in(states)),
    )


def _named(flows: Sequence[str]) -> filters.FlowFilter:
    return filters.FlowFilter(name=filters.FlowFilterName(any_=list(flows)))


def _in(states: Collection[StateType]) -> filters.FlowRunFilterState:
    return filters.FlowRunFilterState(type=filters.FlowRunFilterStateType(any_=sorted(states)))
