"""A reproduction in a real MLflow: one experiment, a run per cell, each logged once."""

import pytest

from tasks.errors import NotThere
from tasks.reproduction.results.tracked import Tracked
from tasks.reproduction.worlds.digits import Digits
from tasks.studies.cell import Cell
from tasks.tracking.api import connect
from tests.tasks.reproduction.conftest import STUDY

pytestmark = pytest.mark.integration

MATRIX = (
    (0.9, 0.8, 0.7, 0.6, 0.5),
    (0.5, 0.8, 0.6, 0.4, 0.6),
    (0.3, 0.4, 0.7, 0.5, 0.7),
    (0.2, 0.4, 0.6, 0.8, 0.9),
)


def cell(peer, seed=0):
    return Cell(
        setting="grasp/digits-cnn",
        seed=seed,
        peer=peer,
        accuracies=tuple(row[-1] for row in MATRIX),
        gradient_passes=360,
        cpu_s=1.5,
        wall_s=2.0,
        matrix=MATRIX,
    )


@pytest.fixture
def client(mlflow_server):
    return connect(mlflow_server.uri)


def tracked(client, key, said=None):
    say = (said if said is not None else []).append
    return Tracked(client, STUDY, Digits(STUDY.budget), key=key, say=say)


def runs(client, key):
    experiment = client.get_experiment_by_name("reproduce-digits")
    return client.search_runs([experiment.experiment_id], f"tags.study = '{key}'")


def test_a_cell_is_a_run_with_params_and_accuracy_by_number_of_sources(client):
    assert tracked(client, "one").log([cell("guarded"), cell("published")]) == 0
    found = {run.data.params["peer"]: run for run in runs(client, "one")}
    assert set(found) == {"guarded", "published"}
    run = found["guarded"]
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "grasp/digits-cnn/seed-0/guarded"
    assert (
        run.data.params.items() >= {"seed": "0", "architecture": "grasp/digits-cnn", "budget": "20"}.items()
    )
    assert run.data.metrics["final_accuracy"] == pytest.approx(0.9)
    assert run.data.metrics["in_domain"] == pytest.approx((0.9 + 0.8 + 0.7 + 0.8) / 4)
    points = client.get_metric_history(run.info.run_id, "accuracy")
    assert [(point.step, point.value) for point in points] == [(1, 0.5), (2, 0.6), (3, 0.7), (4, 0.9)]
    backward = client.get_metric_history(run.info.run_id, "accuracy/time-1-of-5")
    assert [point.value for point in backward] == [0.9, 0.5, 0.3, 0.2]


def test_another_run_of_the_study_logs_what_is_missing_and_nothing_twice(client):
    tracked(client, "two").log([cell("guarded")])
    begun = client.create_run(
        client.get_experiment_by_name("reproduce-digits").experiment_id,
        tags={"study": "two", "cell": "grasp/digits-cnn/seed-1/guarded"},
    )  # as a process leaves it that died before it had logged all
    tracked(client, "two").log([cell("guarded"), cell("guarded", seed=1)])
    found = {run.info.run_id: run for run in runs(client, "two")}
    assert len(found) == 2
    assert found[begun.info.run_id].data.params["seed"] == "1"
    assert found[begun.info.run_id].info.status == "FINISHED"


def test_while_mlflow_is_away_cells_wait_and_that_is_said_once(client, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    said = []
    log = tracked(client, "three", said)
    monkeypatch.setattr(log, "_client", connect("http://127.0.0.1:9"))
    assert log.log([cell("guarded")]) == 1
    assert log.log([cell("guarded"), cell("published")]) == 2
    assert len(said) == 1
    assert "the study goes on" in said[0]
    monkeypatch.setattr(log, "_client", client)
    assert log.log([cell("guarded"), cell("published")]) == 0
    assert len(runs(client, "three")) == 2


def test_an_experiment_that_a_person_deleted_is_named_with_what_brings_it_back(client):
    tracked(client, "four")
    identity = client.get_experiment_by_name("reproduce-digits").experiment_id
    client.delete_experiment(identity)
    try:
        with pytest.raises(NotThere, match=rf"restore --experiment-id {identity}, or add --no-mlflow"):
            tracked(client, "four")
    finally:
        client.restore_experiment(identity)
