"""A registered model that was deleted, made again: the versions that the journal knows, under their numbers.

MLflow counts a new model's versions from 1. So a number whose bytes are gone is taken by an empty version,
deleted at once: numbers of deleted versions are not given again.
"""

from dataclasses import dataclass

from tasks.absorbing.needs import MADE_AGAIN
from tasks.absorbing.recorded import digests_of_version
from tasks.absorbing.work import Work
from tasks.arrivals.unit import Unit
from tasks.contracts.journal import Decided
from tasks.errors import NotThere, StoredDiffers
from tasks.journal.history import Historian
from tasks.registry.stored import data_of_model, fetch_data
from tasks.registry.tags import candidate_tags, decision_tags
from tasks.tracking.api import answering
from tasks.tracking.logged import Logged, read_logged

UNFINISHED = "grasp.unfinished"  # tag of a registered model that is being made again


@dataclass(frozen=True, kw_only=True, slots=True)
class Remake:
    """What is made again. models: what is left of each version; lost: versions of which nothing is left."""

    models: dict[int, tuple[Decided, Logged]]
    lost: list[int]


def remakes(work: Work) -> Remake | None:
    """Say what can be made again; None while the registered model is there."""
    if _is_whole(work):
        return None
    decided = Historian(work.journal).read().by_version
    left = {version: found for version in decided if (found := _left(work, version, decided[version]))}
    models = {version: (decided[version], logged) for version, logged in left.items()}
    return Remake(models=models, lost=sorted(decided.keys() - left.keys()))


def _is_whole(work: Work) -> bool:
    """Say whether the registered model is there, and not half made again."""
    try:
        with answering(f"registered model {work.target.name}"):
            return UNFINISHED not in work.mlflow.get_registered_model(work.target.name).tags
    except NotThere:
        return False


def remake(work: Work, plan: Remake) -> None:
    """Make the registered model again; after an interruption the next one begins anew."""
    client, name = work.mlflow, work.target.name
    with answering(f"registered model {name}"):
        if _is_there(work):
            client.delete_registered_model(name)  # of an interrupted repair: remakes() saw its tag
        client.create_registered_model(
            name,
            tags={UNFINISHED: "grasp repair", MADE_AGAIN: "grasp repair"},
            description="Absorbs published models. `champion` is the version to serve. Made by grasp repair.",
        )
        for version in range(1, max([*plan.models, *plan.lost], default=0) + 1):
            _version(work, version, plan.models.get(version))
        client.delete_registered_model_tag(name, UNFINISHED)


def _version(work: Work, version: int, left: tuple[Decided, Logged] | None) -> None:
    client, name = work.mlflow, work.target.name
    with answering(f"version {version} of {name}"):
        if left is None:
            made = client.create_model_version(name, source=f"s3://gone/{version}")
            client.delete_model_version(name, made.version)
        else:
            decided, logged = left
            model_id = logged.outcome.model_id
            made = client.create_model_version(
                name,
                source=f"models:/{model_id}",
                run_id=logged.mlflow_run_id,
                tags=_tags(work, decided, logged),
                model_id=model_id,
            )
    if int(made.version) != version:
        raise StoredDiffers(
            f"registered model {name}: MLflow gave number {made.version} to version {version}; somebody else "
            "writes into it; do it again when nobody does"
        )


def _tags(work: Work, decided: Decided, logged: Logged) -> dict[str, str]:
    reason = decided.reason
    said = decision_tags(decided.decision, decided.reason_code, found=reason.found, needed=reason.needed)
    if decided.source is None or decided.digests is None or decided.index is None:
        return said
    unit = Unit(
        target=work.target.name,
        lineage=decided.lineage,
        index=decided.index,
        arrival_id=decided.arrival_id,
        manifest_key=reason.object,
        source=decided.source,
        parent_version=decided.parent_version,
        digests=decided.digests,
        seed=work.target.absorb.seed,
    )
    return candidate_tags(logged, unit) | said | {"unit": logged.outcome.unit_key}


def _left(work: Work, version: int, decided: Decided) -> Logged | None:
    """Give what is left of a version: its run's model, with the bytes that the journal names."""
    if decided.mlflow_run_id is None:
        return None
    try:
        logged = read_logged(work.mlflow, decided.mlflow_run_id)
        uri = data_of_model(work.mlflow, logged.outcome.model_id or "none")
        with work.directory() as directory:
            fetch_data(
                work.mlflow,
                uri,
                subject=f"version {version} of {work.target.name}",
                directory=directory,
                expected=digests_of_version(work, version),
            )
    except (NotThere, StoredDiffers):
        return None
    return logged


def _is_there(work: Work) -> bool:
    try:
        with answering(f"registered model {work.target.name}"):
            work.mlflow.get_registered_model(work.target.name)
    except NotThere:
        return False
    return True
