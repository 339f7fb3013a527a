"""The model registry: one registered model per target, one version per registered candidate, two aliases.

MLflow has no compare-and-swap and no uniqueness, so everything here looks before it writes and can be done
again; which version counts is the journal's word.
"""

import logging
from collections.abc import Callable, Collection, Mapping

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from tasks.arrivals.unit import Unit
from tasks.candidates.outcome import unit_key
from tasks.errors import NotThere, TrackingRefused
from tasks.registry.tags import SET_ASIDE, candidate_tags, tag_duplicate, tag_set_aside
from tasks.tracking.api import already_there, answering, looking_up
from tasks.tracking.logged import Logged
from tasks.tracking.notes import sentence

CHAMPION, PREVIOUS = "champion", "previous"

log = logging.getLogger(__name__)


def find_version(client: MlflowClient, unit: Unit) -> int | None:
    """Find the version registered for this unit: the lowest READY one that is not set aside."""
    with answering(f"versions of {unit.target}"):
        numbers = [int(version.version) for version in _live_versions(client, unit)]
    return min(numbers, default=None)


def register(
    client: MlflowClient,
    logged: Logged,
    *,
    unit: Unit,
    expects: Mapping[str, str] | None = None,
    known: Collection[int] = (),
) -> int:
    """Register a logged candidate and give its version; one that is registered already is found again.

    Only a version with the same weights counts as the same: others of this unit are a rival's.
    expects: the decision's tags as the gate is about to say them (see decision_tags); what the journal says
    in the end is written by tag_decision, which then finds nothing left to write.
    known: versions that the journal has. Raises NotThere when the outcome has no model, as after an unchanged
    absorb, and when the registered model with the known versions was deleted: a new one counts from 1 again.
    """
    if logged.outcome.model_id is None:
        raise NotThere(f"MLflow run {logged.mlflow_run_id}: it logged no model, so none is registered")
    with answering(f"registered model {unit.target}"):
        found = _same_weights(client, logged, unit)
        if found:
            return min(found)
        tags = candidate_tags(logged, unit) | dict(expects or {})
        try:
            _create_version(client, logged, unit, tags=tags)
        except (NotThere, TrackingRefused) as error:  # the first of its target
            if isinstance(error, TrackingRefused) and _is_there(client, unit.target, known):
                raise
            if known:
                raise _deleted(unit.target, known) from error
            _create_model(client, unit.target)
            _create_version(client, logged, unit, tags=tags)
        # A request that was sent twice, or a rival, made more than one: the lowest counts, for everybody.
        lowest, *others = sorted(_same_weights(client, logged, unit))
        for other in others:
            tag_duplicate(client, unit.target, version=other, of=lowest)
    if lowest in known:  # just made, so the model that held the known ones is another
        tag_set_aside(
            client, unit.target, version=lowest, why="the journal has another version of this number"
        )
        raise _deleted(unit.target, known)
    return lowest


def aliases(client: MlflowClient, target: str) -> dict[str, int]:
    """Read what our aliases name; empty when the target has no registered model, or they are not set."""
    # Not from the registered model itself: MLflow reads all of its versions for that.
    shown = {alias: _behind(client, target, alias) for alias in (CHAMPION, PREVIOUS)}
    return {alias: version for alias, version in shown.items() if version is not None}


def set_aliases(
    client: MlflowClient,
    target: str,
    *,
    champion: int | None,
    previous: int | None,
    holds: Callable[[], bool] = lambda: True,
) -> bool:
    """Make `previous`, then `champion` name these versions; say whether anything had to be written.

    None removes the alias. holds is asked before every write, so that a writer who was held up does not write
    what another has overtaken. A version that a person deleted gets no alias, and holds back no other: then
    `previous` is removed, and `champion` left as it is, so that who serves it is served on.
    """
    shown = aliases(client, target)
    needed = {PREVIOUS: previous, CHAMPION: champion}
    changes = {alias: version for alias, version in needed.items() if shown.get(alias) != version}
    written = False
    for alias, version in changes.items():
        if not holds():
            break
        done = _write_alias(client, target, alias, version)
        if not done and alias == PREVIOUS and alias in shown:  # rather none than a wrong one
            done = _write_alias(client, target, alias, None)
        written |= done
    return written


def _write_alias(client: MlflowClient, target: str, alias: str, version: int | None) -> bool:
    try:
        with answering(f"alias {alias} of {target}"):
            if version is None:
                client.delete_registered_model_alias(target, alias)
            else:
                client.set_registered_model_alias(target, alias, str(version))
    except NotThere as error:
        log.warning(
            "%s; version %s was deleted, the rest goes on; see grasp repair %s", error, version, target
        )
        return False
    return True


def _deleted(target: str, known: Collection[int]) -> NotThere:
    return NotThere(
        f"registered model {target}: was deleted in MLflow, the journal knows {len(known)} versions of it; "
        f"grasp repair {target} says what can be made again; nothing was decided"
    )


def _live_versions(client: MlflowClient, unit: Unit) -> list[ModelVersion]:
    where = f"name = '{unit.target}' and tags.unit = '{unit_key(unit)}'"
    found = client.search_model_versions(where, max_results=1000)
    return [v for v in found if v.status == "READY" and not SET_ASIDE & v.tags.keys()]


def _same_weights(client: MlflowClient, logged: Logged, unit: Unit) -> list[int]:
    needed = logged.outcome.served_sha256
    return [int(v.version) for v in _live_versions(client, unit) if v.tags.get("served_sha256") == needed]


def _create_version(client: MlflowClient, logged: Logged, unit: Unit, *, tags: dict[str, str]) -> None:
    with answering(f"registered model {unit.target}"):
        client.create_model_version(
            unit.target,
            source=f"models:/{logged.outcome.model_id}",
            run_id=logged.mlflow_run_id,
            tags=tags,
            description=sentence(unit, logged.outcome, decision=tags["decision"]),
            model_id=logged.outcome.model_id,
            await_creation_for=0,  # it is there when the answer is; waiting says so on stderr
        )


def _create_model(client: MlflowClient, target: str) -> None:
    try:
        client.create_registered_model(
            target, description="Absorbs published models. `champion` is the version to serve."
        )
    except MlflowException as error:
        if not already_there(error):
            raise


def _is_there(client: MlflowClient, target: str, known: Collection[int]) -> bool:
    """Say whether a refusal is one: with accounts, MLflow refuses a version of a model that is not there."""
    try:
        with answering(f"registered model {target}"):
            client.get_registered_model(target)
    except NotThere:
        return False
    except TrackingRefused:  # nobody may look: the journal tells
        return bool(known)
    return True


def _behind(client: MlflowClient, target: str, alias: str) -> int | None:
    try:
        with looking_up(f"alias {alias} of {target}"):
            return int(client.get_model_version_by_alias(target, alias).version)
    except NotThere:
        return None
