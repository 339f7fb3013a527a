"""A target's experiment in MLflow: its runs, and metrics written in one request."""

import time
from collections.abc import Mapping

from mlflow import MlflowClient
from mlflow.entities import Metric, Run
from mlflow.exceptions import MlflowException

from tasks.errors import NotThere
from tasks.tracking.api import already_there, answering
from tasks.tracking.pages import views


def experiment_of(client: MlflowClient, target: str) -> str:
    """Find or create a target's experiment, with its saved views, tagged as model training; give its id.

    Which pages the UI opens is the browser's choice all the same: see tasks/tracking/pages.py.
    Raises NotThere when a person deleted it: its name is taken until it is restored or collected.
    """
    found = client.get_experiment_by_name(target)
    if found is not None and found.lifecycle_stage != "active":
        raise NotThere(
            f"experiment {target}: was deleted in MLflow, so nothing can be logged to it; restore it with "
            f"grasp repair {target} --apply, or mlflow experiments restore --experiment-id "
            f"{found.experiment_id}; nothing is absorbed until then"
        )
    if found is not None:
        for key, view in views().items():
            if found.tags.get(key) != view:
                client.set_experiment_tag(found.experiment_id, key, view)
        return str(found.experiment_id)
    try:
        tags = {"mlflow.experimentKind": "custom_model_development", **views()}
        return str(client.create_experiment(target, tags=tags))
    except MlflowException as error:
        if not already_there(error):
            raise
        return experiment_of(client, target)


def runs_of(client: MlflowClient, experiment_id: str, where: str) -> list[Run]:
    """List runs of an experiment, oldest first."""
    found: list[Run] = []
    token: str | None = None
    while True:
        page = client.search_runs(
            [experiment_id], where, order_by=["attributes.start_time ASC"], page_token=token
        )
        found += page
        token = page.token
        if not token:
            return found


def log_figures(
    client: MlflowClient,
    run_id: str,
    figures: Mapping[str, float],
    *,
    step: int = 0,
    model_id: str | None = None,
) -> None:
    """Log metrics of a run at one step, for a logged model too when it is named."""
    at_ms = time.time_ns() // 1_000_000
    metrics = [
        Metric(name, value, at_ms, step, model_id=model_id, run_id=run_id) for name, value in figures.items()
    ]
    with answering(f"MLflow run {run_id}"):
        client.log_batch(run_id, metrics=metrics)
