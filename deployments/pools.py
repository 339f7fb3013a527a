"""The work pools and queues that prefect.yaml deploys to."""

from typing import NamedTuple

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.exceptions import ObjectNotFound
from prefect.workers.process import ProcessWorker


class Pool(NamedTuple):
    """A work pool of type process, its queues by falling priority, and how many runs it does at once."""

    name: str
    description: str
    queues: tuple[str, ...]
    limit: int | None


CPU = Pool("cpu", "watches buckets, does what people decide: light", ("watch", "by-hand"), limit=None)
# One run at a time: two models on one GPU are slower than one after the other, and may not fit.
GPU = Pool("gpu", "absorbs sources: one run at a time per GPU", ("absorb", "backfill"), limit=1)


def ensure_pool(client: SyncPrefectClient, pool: Pool, *, limit: int | None = None) -> str:
    """Make the pool and its queues exist; say what was done.

    limit: set on a pool that is there too. Without it an existing pool keeps what an operator gave it,
    its type included, so that a Kubernetes pool may take a process pool's place.
    """
    done = _ensure(client, pool, limit=limit)
    for priority, queue in enumerate(pool.queues, start=1):
        try:
            client.read_work_queue_by_name(queue, work_pool_name=pool.name)
        except ObjectNotFound:
            client.create_work_queue(queue, work_pool_name=pool.name, priority=priority)
    return done


def _ensure(client: SyncPrefectClient, pool: Pool, *, limit: int | None) -> str:
    try:
        found = client.read_work_pool(pool.name)
    except ObjectNotFound:
        client.create_work_pool(
            WorkPoolCreate(
                name=pool.name,
                type=ProcessWorker.type,
                description=pool.description,
                base_job_template=ProcessWorker.get_default_base_job_template(),
                concurrency_limit=pool.limit if limit is None else limit,
            )
        )
        return "created"
    if limit is None or found.concurrency_limit == limit:
        return "unchanged"
    client.update_work_pool(pool.name, WorkPoolUpdate(concurrency_limit=limit))
    return "updated"
