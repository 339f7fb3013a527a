"""One run per absorbed source: found again, readable, and never left RUNNING."""

from dataclasses import replace

import pytest
from mlflow import MlflowClient

from grasp_core.progress import Epoch
from tasks.arrivals.unit import Unit
from tasks.contracts.journal import Decided
from tasks.contracts.target import Target
from tasks.errors import NotThere, TrackingRefused, TrackingUnavailable
from tasks.tracking.api import answering, connect
from tasks.tracking.epoch_log import EpochLog
from tasks.tracking.experiments import experiment_of, runs_of
from tasks.tracking.runs import (
    end_run,
    end_stale_runs,
    log_decision,
    log_lineage_point,
    open_run,
    running,
)

pytestmark = pytest.mark.integration


def opened(client: MlflowClient, unit: Unit, target: Target, *, flow_run: str = "flow-1") -> str:
    return open_run(client, unit, target=target, flow_run=flow_run, device="cpu")


def status(client: MlflowClient, run_id: str) -> str:
    return client.get_run(run_id).info.status


def test_a_run_says_what_it_is_computed_from(client: MlflowClient, unit: Unit, target: Target):
    run = client.get_run(opened(client, unit, target))
    assert run.info.run_name == "absorb/0007/2014-q3"
    assert client.get_experiment(run.info.experiment_id).name == target.name
    assert run.data.params["lr"] == "0.001"
    assert run.data.tags["source_sha256"] == unit.source.weights_sha256
    assert {"environment.torch", "environment.threads", "environment.cpu_capability"} <= run.data.tags.keys()
    (dataset,) = run.inputs.dataset_inputs
    assert dataset.dataset.name == "digits-now"
    (source,) = run.inputs.model_inputs
    assert client.get_logged_model(source.model_id).name == "source-digits-2014-q3-1"


def test_a_unit_has_one_run_however_often_it_is_opened(client: MlflowClient, unit: Unit, target: Target):
    first = opened(client, unit, target, flow_run="flow-1")
    again = opened(client, unit, target, flow_run="flow-2")
    assert again == first
    run = client.get_run(first)
    assert run.data.tags["flow_run"] == "flow-2"
    assert (len(run.inputs.dataset_inputs), len(run.inputs.model_inputs)) == (1, 1)


@pytest.mark.parametrize(
    "other",
    [
        {"lineage": "backfill-1"},
        {"arrival_id": "e" * 64},
        {"parent_version": 4},
        {"seed": 1},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_unit_has_a_run_of_its_own(client: MlflowClient, unit: Unit, target: Target, other: dict):
    assert opened(client, unit, target) != opened(client, replace(unit, **other), target)


@pytest.mark.parametrize(
    ("error", "ended"), [(ValueError, "FAILED"), (KeyboardInterrupt, "KILLED"), (SystemExit, "KILLED")]
)
def test_a_run_is_not_left_running_by_an_error(
    client: MlflowClient, unit: Unit, target: Target, error: type[BaseException], ended: str
):
    with pytest.raises(error), running(client, unit, target=target, flow_run="f", device="cpu") as run_id:
        raise error
    assert status(client, run_id) == ended


def test_a_run_that_ends_well_is_finished(client: MlflowClient, unit: Unit, target: Target):
    with running(client, unit, target=target, flow_run="f", device="cpu") as run_id:
        assert status(client, run_id) == "RUNNING"
    assert status(client, run_id) == "FINISHED"


def test_who_lost_a_run_no_longer_ends_it(client: MlflowClient, unit: Unit, target: Target):
    run_id = opened(client, unit, target, flow_run="paused")
    opened(client, unit, target, flow_run="rival")
    end_run(client, run_id, status="FINISHED", flow_run="rival")
    end_run(client, run_id, status="FAILED", flow_run="paused")
    assert status(client, run_id) == "FINISHED"


def test_runs_of_the_dead_are_ended_and_our_own_is_not(client: MlflowClient, unit: Unit, target: Target):
    dead = opened(client, unit, target, flow_run="dead")
    ours = opened(client, replace(unit, arrival_id="e" * 64), target, flow_run="ours")
    assert end_stale_runs(client, target.name, flow_run="ours") == [dead]
    assert (status(client, dead), status(client, ours)) == ("KILLED", "RUNNING")


def test_each_fold_has_curves_of_its_own(client: MlflowClient, unit: Unit, target: Target):
    run_id = opened(client, unit, target)
    curves = EpochLog(client, run_id)
    for fold in (1, 2):
        for number in (1, 2):
            figures = {"train_loss": fold, "val_loss": number, "val_accuracy": 0.5}
            curves.add(Epoch(fold=fold, folds=2, epoch=number, epochs=2, **figures))
    curves.flush()
    curve = client.get_metric_history(run_id, "fine_tune_fold_2/val_loss")
    assert [(point.step, point.value) for point in curve] == [(1, 1.0), (2, 2.0)]


def test_the_lineage_chart_has_one_point_per_index(client: MlflowClient, target: Target):
    for index, accuracy in ((1, 0.5), (2, 0.6), (2, 0.6), (3, 0.7)):
        log_lineage_point(
            client,
            target.name,
            lineage="main",
            index=index,
            gate_accuracy=accuracy,
            test_accuracy=accuracy / 2,
        )
    (run,) = runs_of(client, experiment_of(client, target.name), "tags.kind = 'lineage'")
    assert (run.info.run_name, run.info.status) == ("lineage/main", "FINISHED")
    assert run.data.metrics.keys() == {"gate_accuracy", "test_accuracy"}
    points = client.get_metric_history(run.info.run_id, "gate_accuracy")
    assert [(point.step, point.value) for point in points] == [(1, 0.5), (2, 0.6), (3, 0.7)]


def test_a_failed_absorb_has_a_decision_too(
    client: MlflowClient, unit: Unit, target: Target, decided: Decided
):
    run_id = opened(client, unit, target)
    bad = decided.model_copy(
        update={"decision": "quarantined", "reason_code": "loss", "registry_version": None}
    )
    log_decision(client, run_id, bad, outcome=None)
    tags = client.get_run(run_id).data.tags
    assert (tags["decision"], tags["reason_code"]) == ("quarantined", "loss")
    assert "found: no champion" in tags["mlflow.note.content"]


def test_a_very_long_reason_is_cut_to_what_mlflow_takes(
    client: MlflowClient, unit: Unit, target: Target, decided: Decided
):
    run_id = opened(client, unit, target)
    reason = decided.reason.model_copy(update={"found": "ä" * 4000, "needed": "ß" * 4000})
    log_decision(client, run_id, decided.model_copy(update={"reason": reason}), outcome=None)
    assert client.get_run(run_id).data.tags["reason"].startswith("first: ää")


def test_a_server_that_does_not_answer_is_transient(
    monkeypatch: pytest.MonkeyPatch, unit: Unit, target: Target
):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(TrackingUnavailable, match=target.name):
        opened(connect("http://127.0.0.1:9"), unit, target)


def test_what_mlflow_has_not_or_refuses_is_terminal(client: MlflowClient):
    with pytest.raises(NotThere, match="that run"), answering("that run"):
        client.get_run("0" * 32)
    with pytest.raises(TrackingRefused, match="that run"), answering("that run"):
        client.search_runs(["0"], "no filter at all")


class Cut:
    """A client whose server goes away."""

    def __init__(self, client: MlflowClient) -> None:
        self.client = client

    def __getattr__(self, name: str):
        return getattr(self.client, name)


def test_an_unreachable_server_does_not_hide_the_first_error(
    client: MlflowClient, unit: Unit, target: Target
):
    cut = Cut(client)

    def absorb() -> None:
        with running(cut, unit, target=target, flow_run="f", device="cpu"):
            cut.client = connect("http://127.0.0.1:9")
            raise ValueError("the first")

    with pytest.raises(ValueError, match="the first"):
        absorb()
