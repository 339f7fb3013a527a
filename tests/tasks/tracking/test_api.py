"""What MLflow's client raises, in our words: deleted, away, refused, or this machine's own disk."""

import resource
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient

from tasks.errors import NoSpace, NotThere, TrackingUnavailable
from tasks.tracking.api import answering, connect, download
from tasks.tracking.experiments import experiment_of

pytestmark = pytest.mark.integration


@pytest.fixture
def small_files() -> Iterator[None]:
    """The kernel takes files up to 64 KiB from this process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def address(client: MlflowClient, target, tmp_path: Path) -> str:
    """Where a file of 1 MB lies in MLflow."""
    run = client.create_run(experiment_of(client, target.name))
    (tmp_path / "weights.bin").write_bytes(b"x" * 1_000_000)
    client.log_artifact(run.info.run_id, str(tmp_path / "weights.bin"))
    return f"{run.info.artifact_uri}/weights.bin"


def test_a_download_that_this_disk_does_not_take_blames_the_disk_and_not_mlflow(
    client: MlflowClient, address: str, small_files, tmp_path: Path
):
    with pytest.raises(NoSpace, match="this machine's disk takes no file of this size"), answering("weights"):
        download(client, address, tmp_path / "taken")


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
