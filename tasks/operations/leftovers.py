"""Versions in MLflow that no decision is about: of attempts that died, lost a race, or came to nothing."""

from collections.abc import Collection, Mapping

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion

from tasks.contracts.state import State
from tasks.registry.tags import SET_ASIDE
from tasks.tracking.api import answering

PAGE = 1000


def registered_versions(client: MlflowClient, target: str) -> dict[int, ModelVersion]:
    """Give every registered version of a target by its number; none when it has no registered model."""
    found: dict[int, ModelVersion] = {}
    token: str | None = None
    while True:
        with answering(f"versions of {target}"):
            page = client.search_model_versions(f"name = '{target}'", max_results=PAGE, page_token=token)
        found |= {int(version.version): version for version in page}
        token = page.token
        if not token:
            return found


def leftovers(there: Mapping[int, ModelVersion], state: State, *, unfinished: Collection[str]) -> list[int]:
    """Name the versions that the pipeline registered and no decision will ever be about.

    unfinished: lineages that are being rebuilt; what they registered may still be decided on, and so may what
    belongs to an open arrival. What a person registered (without our tags) is nobody's leftover.
    """
    found = []
    for number, version in sorted(there.items()):
        tags = version.tags
        if number in state.versions or "unit" not in tags:
            continue
        pending = tags.get("arrival_id") in state.open or tags.get("lineage") in unfinished
        if SET_ASIDE & tags.keys() or not pending:
            found.append(number)
    return found


def not_shared(doomed: Collection[int], there: Mapping[int, ModelVersion]) -> list[int]:
    """Leave out what has its weights in common with a version that stays: one model, registered twice."""
    kept = {version.source for number, version in there.items() if number not in doomed}
    return [number for number in doomed if number in there and there[number].source not in kept]
