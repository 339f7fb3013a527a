"""Remove a target: its document, so that nothing is absorbed any more; its journal and MLflow when asked."""

from dataclasses import dataclass
from datetime import UTC, datetime

from mlflow import MlflowClient

from tasks.bucket.store import Store
from tasks.contracts import keys
from tasks.errors import NotThere
from tasks.operations.idle import check_idle
from tasks.orchestration.absorb_runs import ABSORB_FLOW, REBUILD_FLOWS
from tasks.tracking.api import answering


@dataclass(frozen=True, kw_only=True, slots=True)
class Remains:
    """What there is of a target. document: whether target.json is there; experiment: MLflow's id of it."""

    document: bool
    journal: tuple[str, ...]
    experiment: str | None
    model: bool


def remains_of(store: Store, client: MlflowClient, name: str) -> Remains:
    """Look what there is of a target. Raises NotThere when there is nothing at all."""
    found = Remains(
        document=store.head(keys.target_key(name)) is not None,
        journal=tuple(item.key for item in store.list(keys.journal_prefix(name))),
        experiment=_experiment(client, name),
        model=_has_model(client, name),
    )
    if not (found.document or found.journal or found.experiment or found.model):
        raise NotThere(f"target {name}: nothing of it is in bucket {store.bucket} or in MLflow")
    return found


def remove_document(store: Store, name: str) -> None:
    """Delete target.json: watch and absorb know the target no more, its data and sources stay.

    Raises OperationRefused while a run is at work on it, which would go on writing, and as check_idle.
    """
    check_idle(name, flows=(ABSORB_FLOW, *REBUILD_FLOWS))
    store.delete(keys.target_key(name))


def remove_rest(store: Store, client: MlflowClient, name: str, found: Remains) -> None:
    """Delete journal, registered model and experiment, so that the name can be used for another target.

    The journal goes from its tip backwards: what an interruption leaves is still a journal. Raises as
    remove_document.
    """
    check_idle(name, flows=(ABSORB_FLOW, *REBUILD_FLOWS))
    with answering(f"target {name}"):
        if found.model:
            client.delete_registered_model(name)
        if found.experiment:
            # A deleted experiment keeps its name for itself until it is collected.
            client.rename_experiment(
                found.experiment, f"{name} deleted {datetime.now(UTC):%Y-%m-%d %H:%M:%S}"
            )
            client.delete_experiment(found.experiment)
    caches = {keys.state_key(name), keys.projected_key(name)}
    for key in (*sorted(caches & set(found.journal)), *sorted(set(found.journal) - caches, reverse=True)):
        store.delete(key)


def _experiment(client: MlflowClient, name: str) -> str | None:
    with answering(f"experiment {name}"):
        found = client.get_experiment_by_name(name)
    return str(found.experiment_id) if found and found.lifecycle_stage == "active" else None


def _has_model(client: MlflowClient, name: str) -> bool:
    try:
        with answering(name):
            client.get_registered_model(name)
    except NotThere:
        return False
    return True
