"""Addresses of the pages of MLflow that docs/ui.md shows, beside the one that the pipeline prints."""

from urllib.parse import quote

from tasks.tracking.pages import TRAINING


def runs_page(uri: str, experiment_id: str) -> str:
    """The list of a target's runs, best gate accuracy first."""
    order = f"orderByKey={quote('metrics.`gate_accuracy`')}&orderByAsc=false"
    return f"{uri}/#/experiments/{experiment_id}/runs?{TRAINING}&{order}"


def run_page(uri: str, experiment_id: str, run_id: str, *, tab: str = "") -> str:
    """A run's page. tab: "model-metrics", "artifacts/alignment.png"."""
    return f"{uri}/#/experiments/{experiment_id}/runs/{run_id}{f'/{tab}' if tab else ''}?{TRAINING}"
