"""MLflow's pages for people: their addresses, whatever the server's UI opens with, and our views of the runs.

MLflow keeps what its Share button saves as a tag of the experiment, `mlflow.sharedViewState.<key>`, and opens
it at `?viewStateShareKey=<key>`. The form is that of MLflow 3.17's own pages, which take plain JSON, too.
"""

import json
from typing import Any

TRAINING = "workflowType=machine_learning"  # else the UI opens its GenAI pages
VIEW, LINEAGES = "grasp", "grasp-lineages"
VIEW_TAG, LINEAGES_TAG = (f"mlflow.sharedViewState.{key}" for key in (VIEW, LINEAGES))

RUN = "attributes.`Run Name`"
COLUMNS = {  # in this order, with their widths in pixels; MLflow would put all metrics before the tags
    "tags.`period`": 70,
    "tags.`decision`": 105,
    "tags.`reason`": 180,
    "metrics.`gate_accuracy_before`": 110,
    "metrics.`gate_accuracy`": 110,
    "metrics.`test_accuracy_before`": 110,
    "metrics.`test_accuracy`": 110,
    "metrics.`transferred_fraction`": 110,
    "metrics.`seconds_total`": 110,
}
SECTION = "Accuracy over sources (Step)"


def views() -> dict[str, str]:
    """Give our views as tags of an experiment."""
    return {VIEW_TAG: json.dumps(_decisions()), LINEAGES_TAG: json.dumps(_lineages())}


def _decisions() -> dict[str, Any]:
    """A row per decision, newest first; none for a lineage's chart."""
    return {
        "searchFilter": "tags.kind != 'lineage'",
        "orderByKey": "attributes.start_time",
        "orderByAsc": False,
        "selectedColumns": list(COLUMNS),
        "columnOrder": [RUN, *COLUMNS, "duration"],
        "columnWidths": {RUN: 170, **COLUMNS},
    }


def _lineages() -> dict[str, Any]:
    """All lineages over each other, a chart for each accuracy."""
    return {
        "searchFilter": "tags.kind = 'lineage'",
        "orderByKey": "attributes.start_time",
        "orderByAsc": True,
        "compareRunCharts": [_chart(name) for name in ("gate_accuracy", "test_accuracy")],
        "compareRunSections": [{"uuid": LINEAGES, "name": SECTION, "display": True}],
    }


def _chart(metric: str) -> dict[str, Any]:
    return {
        "uuid": f"{LINEAGES}-{metric}",
        "type": "LINE",
        "runsCountToCompare": 10,
        "metricSectionId": LINEAGES,
        "deleted": False,
        "isGenerated": False,
        "metricKey": metric,
        "lineSmoothness": 0,
        "scaleType": "linear",
        "xAxisScaleType": "linear",
        "xAxisKey": "step",
        "yAxisKey": "metric",
        "yAxisExpressions": [],
        "range": {},
        "useGlobalXaxisKey": False,
        "useGlobalLineSmoothing": False,
    }


def runs_page(uri: str, experiment_id: str) -> str:
    """Give the saved view of a target's runs: one row per decision, with the columns that matter."""
    return f"{uri}/#/experiments/{experiment_id}/runs?{TRAINING}&viewStateShareKey={VIEW}"


def lineages_page(uri: str, experiment_id: str) -> str:
    """Give the saved view of a target's lineages: their accuracies over each other in one chart each."""
    key = f"viewStateShareKey={LINEAGES}&compareRunsMode=CHART"
    return f"{uri}/#/experiments/{experiment_id}/runs?{TRAINING}&{key}"


def picture_page(uri: str, experiment_id: str, run_id: str) -> str:
    """Give the picture on the run of a lineage: its sources, and what was decided and done, marked."""
    return f"{uri}/#/experiments/{experiment_id}/runs/{run_id}/artifacts/lineage.png?{TRAINING}"


def model_page(uri: str, target: str) -> str:
    """Give the list of a target's registered versions."""
    return f"{uri}/#/models/{target}?{TRAINING}"
