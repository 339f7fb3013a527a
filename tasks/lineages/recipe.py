"""With what a version was computed: settings, data set and environment, as recorded beside it."""

import json
from typing import NamedTuple

from mlflow.entities import Run
from pydantic import ValidationError

from tasks.absorbing.work import Work
from tasks.arrivals.unit import config_digest
from tasks.contracts.dataset import Dataset
from tasks.contracts.journal import Decided
from tasks.contracts.reading import read_document
from tasks.contracts.target import AbsorbSettings, Target
from tasks.errors import InvalidDocument, NotThere, StoredDiffers
from tasks.problems import first_problem
from tasks.tracking.api import answering
from tasks.tracking.logged import read_logged


class Recipe(NamedTuple):
    """target: with the settings and the data set of then; environment: what bits depend on, beside these."""

    target: Target
    environment: dict[str, str]


def recipe_of(work: Work, decided: Decided) -> Recipe:
    """Read with what a version was computed: MLflow has the settings, the journal their digest.

    Raises NotThere when the MLflow run or its outcome is gone, StoredDiffers when its settings are others.
    """
    subject = f"version {decided.registry_version} of {work.target.name}"
    if decided.mlflow_run_id is None or decided.digests is None:
        raise NotThere(f"{subject}: its decision names no MLflow run, so it cannot be computed again")
    with answering(f"MLflow run {decided.mlflow_run_id} of {subject}"):
        run = work.mlflow.get_run(decided.mlflow_run_id)
    params = {k: v for k, v in run.data.params.items() if k in AbsorbSettings.model_fields}
    try:
        settings = AbsorbSettings.model_validate(params)
    except ValidationError as error:
        raise InvalidDocument(f"MLflow run {decided.mlflow_run_id}: {first_problem(error)}") from error
    if config_digest(settings) != decided.digests.config:
        raise StoredDiffers(
            f"{subject}: the parameters of its MLflow run have digest {config_digest(settings)}, the journal "
            f"says {decided.digests.config}; it cannot be computed again"
        )
    dataset = _dataset_key(run, decided)
    target = _as_it_was(work, dataset).model_copy(update={"absorb": settings, "dataset": dataset})
    outcome = read_logged(work.mlflow, decided.mlflow_run_id).outcome
    return Recipe(target, outcome.environment)


def _as_it_was(work: Work, dataset: str) -> Target:
    """Give the target with the classes that it had with a data set: fewer, before others were added."""
    if work.target.grown_from is None:
        return work.target
    classes = read_document(Dataset, work.store.get(dataset).body, name=dataset).classes
    return work.target.with_classes(classes) if len(classes) < len(work.target.classes) else work.target


def _dataset_key(run: Run, decided: Decided) -> str:
    for each in run.inputs.dataset_inputs if run.inputs else ():
        key = str(json.loads(each.dataset.source).get("uri", ""))
        if decided.digests and key.split("/")[-2:-1] == [decided.digests.data]:
            return key
    raise NotThere(f"MLflow run {run.info.run_id}: names no data set with the digest of its decision")
