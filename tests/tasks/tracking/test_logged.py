"""What an absorb came to is in MLflow completely or not at all, and is found again after any crash."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient

from tasks.arrivals.unit import Unit
from tasks.candidates.candidate import Candidate
from tasks.candidates.outcome import correct_of
from tasks.contracts.journal import Decided
from tasks.contracts.target import Target
from tasks.errors import NotThere
from tasks.registry.registry import find_version, register
from tasks.registry.stored import ModelDigests, verify_stored
from tasks.tracking.experiments import experiment_of, runs_of
from tasks.tracking.logged import Logged, find_logged, forget, log_outcome, read_logged
from tasks.tracking.runs import end_stale_runs, log_decision, open_run, running

pytestmark = pytest.mark.integration


@pytest.fixture
def log(client: MlflowClient, unit: Unit, target: Target, downloads: Path) -> Callable[..., Logged]:
    def log(candidate: Candidate) -> Logged:
        run_id = open_run(client, unit, target=target, flow_run="flow", device="cpu")
        return log_outcome(
            client, run_id, candidate, unit=unit, target=target, ancestors=(), device="cpu", scratch=downloads
        )

    return log


def artifact(client: MlflowClient, logged: Logged, name: str, directory: Path) -> Path:
    return Path(client.download_artifacts(logged.mlflow_run_id, name, dst_path=str(directory)))


def test_nothing_is_found_before_it_is_logged(client: MlflowClient, unit: Unit):
    assert find_logged(client, unit) is None


def test_what_was_logged_is_found_with_every_figure(
    client: MlflowClient, unit: Unit, log: Callable[..., Logged], candidate: Candidate
):
    logged = log(candidate)
    assert find_logged(client, unit) == logged
    assert read_logged(client, logged.mlflow_run_id) == logged
    scores = logged.outcome.after_fine_tune
    assert scores.test.accuracy == candidate.after_fine_tune.test.accuracy
    assert np.array_equal(correct_of(scores.gate_hits), candidate.after_fine_tune.correct)
    assert logged.outcome.served_sha256 == candidate.files.served_sha256


def test_another_lineage_or_parent_does_not_find_it(
    client: MlflowClient, unit: Unit, log: Callable[..., Logged], candidate: Candidate
):
    log(candidate)
    assert find_logged(client, replace(unit, lineage="backfill-1")) is None
    assert find_logged(client, replace(unit, parent_version=3)) is None


def test_people_see_metrics_pictures_and_a_note(
    client: MlflowClient, log: Callable[..., Logged], candidate: Candidate, downloads: Path
):
    logged = log(candidate)
    run = client.get_run(logged.mlflow_run_id)
    metrics = run.data.metrics
    assert metrics["gate_accuracy"] == candidate.after_fine_tune.gate.accuracy
    assert metrics["test_accuracy_after_transfer"] == candidate.after_transfer.test.accuracy
    assert metrics["transferred_fraction"] == 1.0
    assert {"seconds/fine_tune", "peak_bytes/fine_tune"} <= metrics.keys()
    assert "| after fine-tune |" in run.data.tags["mlflow.note.content"]
    assert "Batch norm: statistics" in run.data.tags["mlflow.note.content"]
    assert artifact(client, logged, "confusion.png", downloads).read_bytes().startswith(b"\x89PNG")
    confusion = json.loads(artifact(client, logged, "confusion.json", downloads).read_text())
    assert np.sum(confusion["counts"]) == 40


def test_alignment_is_there_by_layer(
    client: MlflowClient, log: Callable[..., Logged], candidate: Candidate, downloads: Path
):
    scores = {f"layer{n}.weight": n / 200 for n in range(200)}
    logged = log(replace(candidate, absorbed=replace(candidate.absorbed, scores=scores)))
    document = json.loads(artifact(client, logged, "alignment.json", downloads).read_text())
    assert document["scores"] == scores
    assert document["kind"] == "share of the way"
    assert artifact(client, logged, "alignment.png", downloads).read_bytes().startswith(b"\x89PNG")


def test_an_intermediate_target_is_a_logged_model_of_its_run(
    client: MlflowClient, log: Callable[..., Logged], candidate: Candidate
):
    logged = log(candidate)
    model = client.get_logged_model(logged.outcome.model_id)
    assert (model.name, str(model.status)) == ("target-0007-2014-q3", "READY")
    assert model.source_run_id == logged.mlflow_run_id
    assert "gate_accuracy" in {metric.key for metric in model.metrics}
    outputs = client.get_run(logged.mlflow_run_id).outputs.model_outputs
    assert [output.model_id for output in outputs] == [model.model_id]


def test_an_unchanged_absorb_logs_figures_and_no_model(
    client: MlflowClient, unit: Unit, log: Callable[..., Logged], unchanged: Candidate
):
    logged = log(unchanged)
    assert logged.outcome.model_id is None
    assert logged.outcome.result == logged.outcome.before
    assert find_logged(client, unit) == logged
    with pytest.raises(NotThere, match="no model"):
        register(client, logged, unit=unit)


def test_what_is_damaged_or_forgotten_is_not_found(
    client: MlflowClient, unit: Unit, log: Callable[..., Logged], candidate: Candidate, downloads: Path
):
    logged = log(candidate)
    name = client.get_run(logged.mlflow_run_id).data.tags["outcome"]
    (downloads / name).write_text("{}")
    client.log_artifact(logged.mlflow_run_id, str(downloads / name))
    assert find_logged(client, unit) is None
    logged = log(candidate)
    forget(client, logged)
    assert find_logged(client, unit) is None
    with pytest.raises(NotThere, match="no outcome"):
        read_logged(client, logged.mlflow_run_id)


def test_an_outcome_whose_file_is_gone_is_not_found(
    client: MlflowClient, mlflow_server, unit: Unit, log: Callable[..., Logged], candidate: Candidate
):
    run_id = log(candidate).mlflow_run_id
    (file,) = mlflow_server.artifacts.rglob(f"{run_id}/artifacts/outcome-*.json")
    file.unlink()
    assert find_logged(client, unit) is None


def test_an_outcome_whose_model_was_deleted_is_not_found(
    client: MlflowClient, unit: Unit, log: Callable[..., Logged], candidate: Candidate
):
    client.delete_logged_model(log(candidate).outcome.model_id)
    assert find_logged(client, unit) is None


def test_a_decided_run_is_finished_and_says_why(
    client: MlflowClient, log: Callable[..., Logged], candidate: Candidate, decided: Decided
):
    logged = log(candidate)  # and its flow run dies
    log_decision(client, logged.mlflow_run_id, decided, outcome=logged.outcome)
    run = client.get_run(logged.mlflow_run_id)
    assert run.info.status == "FINISHED"
    assert run.data.tags["decision"] == "promoted"
    assert run.data.tags["mlflow.note.content"].startswith("**promoted** as version 1 (first)")


class Killed(BaseException):
    """The process is gone."""


class Dying:
    """A client in a process that is killed before its n-th call of MLflow; nothing gets through after."""

    def __init__(self, client: MlflowClient, *, after: int) -> None:
        self._client, self._left, self.calls = client, after, 0

    def __getattr__(self, name: str):
        method = getattr(self._client, name)
        return self._counted(method) if callable(method) else method

    def _counted(self, method):
        def call(*args, **kwargs):
            if self.calls >= self._left:
                raise Killed
            self.calls += 1
            return method(*args, **kwargs)

        return call


class Worker:
    """Does what a flow run does with a unit, and counts how often it had to compute."""

    def __init__(self, unit: Unit, target: Target, candidate: Candidate) -> None:
        self.unit, self.target, self.candidate, self.computed = unit, target, candidate, 0
        self.scratch = candidate.files.served.parent

    def work(self, client: MlflowClient, *, flow_run: str) -> int:
        end_stale_runs(client, self.target.name, flow_run=flow_run)
        logged = find_logged(client, self.unit) or self.absorb(client, flow_run=flow_run)
        version = register(client, logged, unit=self.unit)
        files = self.candidate.files
        expected = ModelDigests(served=files.served_sha256, stem=files.stem_sha256)
        verify_stored(client, self.target.name, version=version, expected=expected, scratch=self.scratch)
        return version

    def absorb(self, client: MlflowClient, *, flow_run: str) -> Logged:
        with running(client, self.unit, target=self.target, flow_run=flow_run, device="cpu") as run_id:
            self.computed += 1
            return log_outcome(
                client,
                run_id,
                self.candidate,
                unit=self.unit,
                target=self.target,
                ancestors=(),
                device="cpu",
                scratch=self.scratch,
            )


def test_a_kill_at_any_call_leaves_one_run_one_version_and_nothing_twice(
    client: MlflowClient, unit: Unit, target: Target, candidate: Candidate
):
    whole = Dying(client, after=10_000)
    rehearsed = replace(unit, target=f"{target.name}-x")
    Worker(rehearsed, target.model_copy(update={"name": rehearsed.target}), candidate).work(
        whole, flow_run="f"
    )
    for n in range(whole.calls):
        mine = target.model_copy(update={"name": f"{target.name}-{n}"})
        worker = Worker(replace(unit, target=mine.name), mine, candidate)
        with pytest.raises(Killed):
            worker.work(Dying(client, after=n), flow_run="killed")
        complete = find_logged(client, worker.unit) is not None
        before = worker.computed
        version = worker.work(client, flow_run="recovery")
        assert worker.computed - before == (0 if complete else 1), f"killed before call {n}"
        assert find_version(client, worker.unit) == version == 1
        assert len(client.search_model_versions(f"name = '{mine.name}'")) == 1
        (run,) = runs_of(client, experiment_of(client, mine.name), "tags.kind = 'absorb'")
        end_stale_runs(client, mine.name, flow_run="the next one")
        assert client.get_run(run.info.run_id).info.status != "RUNNING"
