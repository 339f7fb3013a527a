"""The work pools and queues that prefect.yaml deploys to."""

import json
from importlib.resources import files
from typing import Any, Literal, NamedTuple

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.exceptions import ObjectNotFound
from prefect.workers.process import ProcessWorker

from tasks.errors import OperationRefused


class Pool(NamedTuple):
    """A work pool of type process, its queues by falling priority, and how many runs it does at once."""

    name: str
    description: str
    queues: tuple[str, ...]
    limit: int | None


CPU = Pool("cpu", "watches buckets, does what people decide: light", ("watch", "by-hand"), limit=None)
# One run at a time: two models on one GPU are slower than one after the other, and may not fit.
GPU = Pool("gpu", "absorbs sources: one run at a time per GPU", ("absorb", "backfill"), limit=1)


Kind = Literal["process", "kubernetes"]
ENGINE = "python -m prefect.engine"


def process_job_template() -> dict[str, Any]:
    """Give Prefect's base job template of a process pool, but for the command that it starts flow runs by.

    Without a command its worker starts two processes for each flow run, the first to look for code to fetch;
    the code is installed here. `python` is the worker's own (deployments/environment.py).
    """
    template = ProcessWorker.get_default_base_job_template()
    template["variables"]["properties"]["command"]["default"] = ENGINE
    return template


def gpu_job_template() -> dict[str, Any]:
    """Give the base job template of a kubernetes pool: one GPU, shared memory, no rights."""
    text = (files("deployments") / "kubernetes" / "gpu-job.json").read_text()
    found: dict[str, Any] = json.loads(text)
    return found


def ensure_pool(
    client: SyncPrefectClient, pool: Pool, *, limit: int | None = None, kind: Kind | None = None
) -> str:
    """Make the pool and its queues exist; say what was done.

    limit: set on a pool that is there too. Without it an existing pool keeps what an operator gave it.
    kind: of a pool that is made (by default process). An existing pool keeps its type, for Prefect cannot
    change it; it takes our job template when kind asks for it, or when it has Prefect's own for processes.
    Raises OperationRefused when an existing pool is of another kind than asked for.
    """
    done = _ensure(client, pool, limit=limit, kind=kind)
    for priority, queue in enumerate(pool.queues, start=1):
        try:
            client.read_work_queue_by_name(queue, work_pool_name=pool.name)
        except ObjectNotFound:
            client.create_work_queue(queue, work_pool_name=pool.name, priority=priority)
    return done


def _ensure(client: SyncPrefectClient, pool: Pool, *, limit: int | None, kind: Kind | None) -> str:
    try:
        found = client.read_work_pool(pool.name)
    except ObjectNotFound:
        client.create_work_pool(
            WorkPoolCreate(
                name=pool.name,
                type=kind or ProcessWorker.type,
                description=pool.description,
                base_job_template=_template(kind or "process"),
                concurrency_limit=pool.limit if limit is None else limit,
            )
        )
        return "created"
    if kind is not None and found.type != kind:
        raise OperationRefused(
            f"work pool {pool.name} is of type {found.type}, {kind} was asked for; Prefect cannot change it: "
            "delete the pool while nothing runs, then deploy again; nothing was changed"
        )
    change = WorkPoolUpdate()
    if limit is not None and found.concurrency_limit != limit:
        change.concurrency_limit = limit
    untouched = found.base_job_template == ProcessWorker.get_default_base_job_template()
    wanted = _template(kind or "process")
    if (kind is not None or untouched) and found.base_job_template != wanted:
        change.base_job_template = wanted
    if not change.model_fields_set:
        return "unchanged"
    client.update_work_pool(pool.name, change)
    return "updated"


def _template(kind: Kind) -> dict[str, Any]:
    return gpu_job_template() if kind == "kubernetes" else process_job_template()
