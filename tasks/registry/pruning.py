"""A registered version's weights, deleted for good; what interrupts it, the next prune finishes."""

from datetime import UTC, datetime

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

from tasks.errors import NotThere
from tasks.registry.tags import SET_ASIDE, tag_set_aside
from tasks.tracking.api import answering
from tasks.tracking.serving import SERVED, STEM

DONE = ("weights", "deleted")  # the tag that is written last


def is_pruned(version: ModelVersion) -> bool:
    """Say whether a version's weights are gone for sure; the tag `pruned` alone only says that it began."""
    return bool(version.tags.get(DONE[0]) == DONE[1])


def prune_version(client: MlflowClient, target: str, version: int, *, decided: bool) -> None:
    """Delete a version's weights; first it is tagged, so that whoever misses them learns why.

    decided: the journal has a decision on it; a version without one is set aside, too.
    """
    with answering(f"version {version} of {target}"):
        found = client.get_model_version(target, str(version))
        if not decided and not SET_ASIDE & found.tags.keys():
            tag_set_aside(client, target, version=version, why="nothing was ever decided on it")
        if "pruned" not in found.tags:
            said = f"{datetime.now(UTC):%Y-%m-%d %H:%M} by grasp prune"
            client.set_model_version_tag(target, str(version), "pruned", said)
        _delete_weights(client, found)
        client.set_model_version_tag(target, str(version), *DONE)


def _delete_weights(client: MlflowClient, version: ModelVersion) -> None:
    try:
        with answering(f"model of version {version.version}"):
            model = client.get_logged_model(str(version.source).removeprefix("models:/"))
    except NotThere:
        return  # a person deleted it
    files = get_artifact_repository(model.artifact_location, tracking_uri=client.tracking_uri)
    there = {file.path for file in files.list_artifacts("data")}
    for name in (f"data/{SERVED}", f"data/{STEM}"):
        if name in there:
            files.delete_artifacts(name)  # type: ignore[no-untyped-call]
