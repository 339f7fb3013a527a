"""MLflow's pages for people: their addresses, whatever the server's UI opens with, and our view of the runs.

MLflow keeps what its Share button saves as a tag of the experiment, `mlflow.sharedViewState.<key>`, and opens
it at `?viewStateShareKey=<key>`. The form is that of MLflow 3.17's own pages, which take plain JSON, too.
"""

import json

TRAINING = "workflowType=machine_learning"  # else the UI opens its GenAI pages
VIEW = "grasp"
VIEW_TAG = f"mlflow.sharedViewState.{VIEW}"

COLUMNS = (
    "tags.`period`",
    "tags.`decision`",
    "tags.`reason`",
    "metrics.`gate_accuracy_before`",
    "metrics.`gate_accuracy`",
    "metrics.`test_accuracy_before`",
    "metrics.`test_accuracy`",
    "metrics.`transferred_fraction`",
    "metrics.`seconds_total`",
)


def view_state() -> str:
    """Give the view as its tag's value: a row per decision, newest first; none for a lineage's chart."""
    state = {
        "searchFilter": "tags.kind != 'lineage'",
        "orderByKey": "attributes.start_time",
        "orderByAsc": False,
        "selectedColumns": list(COLUMNS),
    }
    return json.dumps(state)


def runs_page(uri: str, experiment_id: str) -> str:
    """Give the saved view of a target's runs: one row per decision, with the columns that matter."""
    return f"{uri}/#/experiments/{experiment_id}/runs?{TRAINING}&viewStateShareKey={VIEW}"


def model_page(uri: str, target: str) -> str:
    """Give the list of a target's registered versions."""
    return f"{uri}/#/models/{target}?{TRAINING}"
