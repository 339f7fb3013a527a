"""Addresses of MLflow's pages for people: "Model training", whatever the server's UI opens with."""

import json
from collections.abc import Mapping
from urllib.parse import quote

_TRAINING = "workflowType=machine_learning"  # else the UI opens its GenAI pages


def runs_page(uri: str, experiment_id: str) -> str:
    """Give the list of a target's runs, best gate accuracy first."""
    order = f"orderByKey={quote('metrics.`gate_accuracy`')}&orderByAsc=false"
    return f"{uri}/#/experiments/{experiment_id}/runs?{_TRAINING}&{order}"


def run_page(uri: str, experiment_id: str, run_id: str, *, tab: str = "") -> str:
    """Give a run's page. tab: "model-metrics", "artifacts/alignment.png"."""
    return f"{uri}/#/experiments/{experiment_id}/runs/{run_id}{f'/{tab}' if tab else ''}?{_TRAINING}"


def model_page(uri: str, target: str) -> str:
    """Give the list of a target's registered versions."""
    return f"{uri}/#/models/{target}?{_TRAINING}"


def compare_page(uri: str, target: str, runs: Mapping[int, str]) -> str:
    """Give the comparison of some versions. runs: the MLflow run of each."""
    wanted = {str(version): run_id for version, run_id in runs.items()}
    packed = json.dumps(wanted, separators=(",", ":"))
    # This page reads every parameter as JSON, so it takes no other.
    return f"{uri}/#/compare-model-versions?name={quote(json.dumps(target))}&runs={quote(packed)}"
