"""What MLflow's client raises, in our words: deleted, away, refused, or this machine's own disk."""

from pathlib import Path

import pytest
from mlflow import MlflowClient

from tasks.errors import NoSpace, NotThere, TrackingUnavailable
from tasks.tracking.api import answering, connect
from tasks.tracking.experiments import experiment_of

pytestmark = pytest.mark.integration


def test_a_download_onto_a_full_disk_blames_the_disk_and_not_mlflow(
    client: MlflowClient, target, tmp_path: Path
):
    run_id = client.create_run(experiment_of(client, target.name)).info.run_id
    (tmp_path / "weights.bin").write_bytes(b"x" * 1_000_000)
    client.log_artifact(run_id, str(tmp_path / "weights.bin"))
    full = tmp_path / "full"
    full.mkdir()
    (full / "weights.bin").symlink_to("/dev/full")

    with pytest.raises(NoSpace, match="this machine's disk is full"), answering("weights"):
        client.download_artifacts(run_id, "weights.bin", str(full))


def test_a_server_that_is_away_is_not_there_now(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(TrackingUnavailable), answering("experiment x"):
        connect("http://127.0.0.1:9").get_experiment_by_name("x")


def test_a_deleted_experiment_says_how_it_comes_back(client: MlflowClient, target):
    experiment = experiment_of(client, target.name)
    client.delete_experiment(experiment)
    said = f"grasp repair {target.name} --apply, or mlflow experiments restore --experiment-id {experiment}"
    with pytest.raises(NotThere, match=said), answering(target.name):
        experiment_of(client, target.name)


def test_writing_to_a_deleted_run_finds_nothing_there(client: MlflowClient, target):
    run_id = client.create_run(experiment_of(client, target.name)).info.run_id
    client.delete_run(run_id)
    with pytest.raises(NotThere, match="was deleted in MLflow"), answering(f"run {run_id}"):
        client.set_tag(run_id, "a", "b")
