"""Models in an MLflow experiment: every intermediate target, and sources as models that live elsewhere."""

from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import LoggedModel, LoggedModelOutput

from tasks.arrivals.unit import Unit
from tasks.tracking.flavor import ModelContent, write_model


def log_model(
    client: MlflowClient, run_id: str, content: ModelContent, *, unit: Unit, directory: Path
) -> str:
    """Upload an intermediate target as a model of its run; give its id. directory: is created.

    What an interrupted attempt left in this run is marked FAILED.
    """
    experiment_id = client.get_run(run_id).info.experiment_id
    for leftover in _models(client, experiment_id, f"source_run_id = '{run_id}'"):
        client.finalize_logged_model(leftover.model_id, "FAILED")
    logged = client.create_logged_model(
        experiment_id,
        name=model_name(unit),
        source_run_id=run_id,
        tags={"lineage": unit.lineage, "arrival_id": unit.arrival_id},
        params=_params(unit),
        model_type="classifier",
    )
    write_model(directory, content, logged=logged)
    client.log_model_artifacts(logged.model_id, str(directory))
    client.log_outputs(run_id, [LoggedModelOutput(logged.model_id, step=0)])
    client.finalize_logged_model(logged.model_id, "READY")
    return str(logged.model_id)


def _params(unit: Unit) -> dict[str, str]:
    """Tell what a version was computed from, whole: its tags keep to what a person reads."""
    return {
        "index": str(unit.index),
        "parent_version": str(unit.parent_version or ""),
        "rev": str(unit.source.rev),
        "source_sha256": unit.source.weights_sha256,
        "config_digest": unit.digests.config,
        "data_digest": unit.digests.data,
        "code_version": unit.digests.code,
        "seed": str(unit.seed),
    }


def source_model(client: MlflowClient, experiment_id: str, unit: Unit) -> str:
    """Find or create the entry of a source, a model whose bytes lie in the bucket; give its id."""
    source = unit.source
    name = f"source-{source.series}-{source.period.label}-{source.rev}"
    found = _models(client, experiment_id, f"name = '{name}'")
    if found:
        return str(found[0].model_id)
    logged = client.create_logged_model(
        experiment_id,
        name=name,
        tags={
            "mlflow.model.isExternal": "true",
            "sha256": source.weights_sha256,
            "manifest": unit.manifest_key,
        },
        model_type="source",
    )
    client.finalize_logged_model(logged.model_id, "READY")
    return str(logged.model_id)


def model_name(unit: Unit) -> str:
    """Name an intermediate target; MLflow refuses dots here, and the contract's labels have none."""
    return f"target-{unit.index:04d}-{unit.source.period.label}"


def _models(client: MlflowClient, experiment_id: str, where: str) -> list[LoggedModel]:
    return list(client.search_logged_models([experiment_id], where))
