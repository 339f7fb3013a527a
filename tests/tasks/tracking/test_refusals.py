"""Every decision has its row in MLflow, those too that no absorb came to; and a saved view shows them."""

import json

import pytest
from mlflow import MlflowClient

from tasks.arrivals.unit import Unit
from tasks.contracts.journal import Decided
from tasks.contracts.target import Target
from tasks.tracking.experiments import experiment_of, runs_of
from tasks.tracking.pages import COLUMNS, LINEAGES, LINEAGES_TAG, VIEW, VIEW_TAG, lineages_page, runs_page
from tasks.tracking.runs import log_refusal

pytestmark = pytest.mark.integration


def refused(decided: Decided, **changes) -> Decided:
    fields = {
        "decision": "quarantined",
        "reason_code": "loss",
        "registry_version": None,
        "mlflow_run_id": None,
    }
    return decided.model_copy(update=fields | changes)


def test_a_refused_source_has_one_row_however_often_it_is_shown(
    client: MlflowClient, target: Target, decided: Decided, unit: Unit
):
    for _ in range(2):
        log_refusal(client, target.name, refused(decided, source=unit.source))
    log_refusal(client, target.name, refused(decided, seq=decided.seq + 1, source=None))
    rows = runs_of(client, experiment_of(client, target.name), "tags.kind = 'refused'")
    assert [run.info.status for run in rows] == ["FINISHED", "FINISHED"]
    first = next(run for run in rows if run.data.tags["entry"] == str(decided.seq))
    assert first.info.run_name == "quarantined/2014-q3"
    assert first.data.tags["reason"].startswith("loss: ")
    assert not any(name.endswith("accuracy") for name in first.data.metrics)


def test_the_experiment_keeps_the_views_that_our_links_open(client: MlflowClient, target: Target):
    experiment_id = experiment_of(client, target.name)
    client.set_experiment_tag(experiment_id, VIEW_TAG, "{}")  # an older one
    experiment_of(client, target.name)
    tags = client.get_experiment(experiment_id).tags
    kept, charts = json.loads(tags[VIEW_TAG]), json.loads(tags[LINEAGES_TAG])
    assert kept["selectedColumns"] == list(COLUMNS)
    assert kept["columnOrder"][1 : 1 + len(COLUMNS)] == list(COLUMNS)
    assert [chart["metricKey"] for chart in charts["compareRunCharts"]] == ["gate_accuracy", "test_accuracy"]
    assert runs_page("http://m", experiment_id).endswith(f"viewStateShareKey={VIEW}")
    assert f"viewStateShareKey={LINEAGES}&" in lineages_page("http://m", experiment_id)
