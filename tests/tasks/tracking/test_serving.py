"""What is served is the model that was absorbed, through MLflow's own doors."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import mlflow
import numpy as np
import pytest
import torch
from mlflow import MlflowClient

from tasks.arrivals.unit import Unit
from tasks.candidates.candidate import Candidate
from tasks.contracts.target import Target
from tasks.errors import InvalidDocument, NotThere
from tasks.registry.loading import load_model
from tasks.registry.registry import register, set_aliases
from tasks.registry.stored import fetch_version
from tasks.tracking.flavor import pip_requirements
from tasks.tracking.logged import log_outcome
from tasks.tracking.runs import open_run
from tasks.tracking.serving import load
from tasks.weights.files import load_module
from tests.servers.fixtures import free_port, wait_for

pytestmark = pytest.mark.integration


@pytest.fixture
def champion(
    client: MlflowClient,
    unit: Unit,
    target: Target,
    candidate: Candidate,
    mlflow_server,
    monkeypatch,
    tmp_path,
) -> str:
    """The address of a champion, for MLflow's own functions."""
    run_id = open_run(client, unit, target=target, flow_run="flow", device="cpu")
    logged = log_outcome(
        client, run_id, candidate, unit=unit, target=target, ancestors=(), device="cpu", scratch=tmp_path
    )
    set_aliases(client, target.name, champion=register(client, logged, unit=unit), previous=None)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_server.uri)
    return f"models:/{target.name}@champion"


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (5, 8, 8, 1), dtype=np.uint8)


@pytest.fixture
def expected(candidate: Candidate, target: Target, images: np.ndarray) -> np.ndarray:
    """What the module itself says, by the contract's normalisation."""
    module = load_module(candidate.files.served, target.architecture).eval()
    inputs = (torch.from_numpy(images).permute(0, 3, 1, 2) / 255 - 0.5) / 0.5
    with torch.inference_mode():
        return module(inputs).softmax(1).numpy()


def test_the_champion_predicts_what_the_module_does(champion: str, images: np.ndarray, expected: np.ndarray):
    chances = mlflow.pyfunc.load_model(champion).predict(images)
    assert chances.dtype == np.float32
    np.testing.assert_allclose(chances, expected, rtol=1e-5, atol=1e-7)


def test_other_images_are_refused(champion: str, images: np.ndarray):
    model = mlflow.pyfunc.load_model(champion)
    for wrong in (images.astype(np.float64), images[:, :4], images[..., 0]):
        with pytest.raises(mlflow.exceptions.MlflowException):
            model.predict(wrong)


def test_a_fetched_version_gives_the_module_back(
    champion: str, client: MlflowClient, target: Target, images: np.ndarray, expected: np.ndarray, downloads
):
    files = fetch_version(client, target.name, version=1, directory=downloads)
    classifier = load(files.served.parent)
    assert isinstance(classifier.module, torch.nn.Module)
    np.testing.assert_allclose(classifier.predict(images), expected, rtol=1e-5, atol=1e-7)
    assert classifier.predict(images[:0]).shape == (0, 10)
    with pytest.raises(InvalidDocument, match="uint8"):
        classifier.predict(images.astype(np.float32))


@pytest.mark.parametrize("name", ["models:/{}@champion", "models:/{}/1"])
def test_a_name_gives_the_module_back(
    champion: str, target: Target, mlflow_server, images: np.ndarray, expected: np.ndarray, name: str
):
    module = load_model(name.format(target.name), tracking_uri=mlflow_server.uri)
    inputs = (torch.from_numpy(images).permute(0, 3, 1, 2) / 255 - 0.5) / 0.5
    with torch.inference_mode():
        chances = module(inputs).softmax(1).numpy()
    np.testing.assert_allclose(chances, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", ["models:/{}@nobody", "models:/{}/99", "{}", "models:/nothing@champion"])
def test_a_name_of_nothing_is_refused(champion: str, target: Target, mlflow_server, name: str):
    with pytest.raises(NotThere):
        load_model(name.format(target.name), tracking_uri=mlflow_server.uri)


def test_nothing_is_pickled_and_nothing_inferred(champion: str, downloads):
    files = mlflow.artifacts.download_artifacts(champion, dst_path=str(downloads))
    names = {
        os.path.relpath(os.path.join(root, name), files)
        for root, _, found in os.walk(files)
        for name in found
    }
    assert names == {
        "MLmodel",
        "README.md",
        "requirements.txt",
        "registered_model_meta",
        "data/served.safetensors",
        "data/stem.safetensors",
        "data/signature.json",
        "data/ancestors.json",
    }
    flavor = mlflow.models.Model.load(files).flavors["python_function"]
    assert flavor["loader_module"] == "tasks.serving"
    assert "python_model" not in flavor
    card = (downloads / "README.md").read_text()
    assert "| 7 | digits | 2014-q3 | 1 | all | not stated | first |" in card


def test_requirements_are_exact_and_name_only_what_an_index_has():
    pins = pip_requirements()
    assert all("==" in pin and "+" not in pin for pin in pins)
    assert not any("grasp" in pin for pin in pins)


def test_mlflow_serves_the_champion_over_http(
    champion: str, mlflow_server, images: np.ndarray, expected: np.ndarray, tmp_path
):
    port = free_port()
    command = [
        *(sys.executable, "-m", "mlflow", "models", "serve", "-m", champion, "--env-manager", "local"),
        *("--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
    ]
    # `mlflow models serve` looks for uvicorn on the path.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = os.environ | {"MLFLOW_TRACKING_URI": mlflow_server.uri, "PATH": path}
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(
            command, stdout=log, stderr=log, env=environment, cwd=tmp_path, start_new_session=True
        )
    try:
        wait_for(f"http://127.0.0.1:{port}/ping", server, within_s=180)
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/invocations",
            data=json.dumps({"inputs": images.tolist()}).encode(),
            headers={"Content-Type": "application/json"},
        )
        answer = json.load(urllib.request.urlopen(request, timeout=60))
    finally:
        os.killpg(server.pid, signal.SIGKILL)  # its own workers, too
        server.wait()
    np.testing.assert_allclose(answer["predictions"], expected, rtol=1e-4, atol=1e-6)
