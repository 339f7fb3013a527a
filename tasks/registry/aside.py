"""Versions that were registered and not decided for: set aside for good."""

from collections.abc import Collection

from mlflow import MlflowClient

from tasks.arrivals.unit import Unit
from tasks.registry.tags import SET_ASIDE, tag_duplicate, tag_set_aside
from tasks.tracking.api import answering


def set_aside_others(client: MlflowClient, unit: Unit, *, of: int, known: Collection[int]) -> list[int]:
    """Set aside what earlier attempts registered for this arrival in this lineage; give their versions.

    of: the version that was committed. known: versions that the journal has decided on; they stay.
    """
    found = _undecided(client, unit.target, unit.arrival_id, unit.lineage, known)
    lost = [version for version in found if version != of]
    for version in lost:
        tag_duplicate(client, unit.target, version=version, of=of)
    return lost


def set_aside_undecided(
    client: MlflowClient, target: str, *, arrival_id: str, lineage: str, why: str, known: Collection[int]
) -> list[int]:
    """Set aside what was registered for an arrival that was then decided without a version."""
    lost = _undecided(client, target, arrival_id, lineage, known)
    for version in lost:
        tag_set_aside(client, target, version=version, why=why)
    return lost


def _undecided(
    client: MlflowClient, target: str, arrival_id: str, lineage: str, known: Collection[int]
) -> list[int]:
    needed = {"name": target, "tags.arrival_id": arrival_id, "tags.lineage": lineage}
    where = " and ".join(f"{key} = '{value}'" for key, value in needed.items())
    with answering(f"versions of {target}"):
        found = client.search_model_versions(where, max_results=1000)
    live = [int(v.version) for v in found if not SET_ASIDE & v.tags.keys()]
    return [version for version in live if version not in known]
