"""Credentials given in every way that people give them, failures of every kind: they stand nowhere."""

import os
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from mlflow.exceptions import MlflowException
from prefect.settings import PREFECT_API_DATABASE_CONNECTION_URL

from flows import absorb_units
from flows.absorb import absorb
from tasks.absorbing import steps
from tasks.errors import TrackingUnavailable
from tasks.tracking.api import connect
from tests.flows.conftest import World
from tests.servers.fixtures import free_port

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]
ROOT = Path(__file__).parents[2]
CANARY = "c4n4ry"
GRASP = [sys.executable, "-c", "from flows.cli.app import main; main()"]


def at(address: str, who: str) -> str:
    """Write a login into an address."""
    return address.replace("://", f"://team:{CANARY}-{who}@")


@pytest.fixture
def canaries(world: World, mlflow_server, moto, monkeypatch: pytest.MonkeyPatch) -> World:
    """Every credential that the pipeline takes is a canary; servers here let anybody in."""
    for name, value in {
        "MLFLOW_TRACKING_URI": at(mlflow_server.uri, "mlflow"),
        "AWS_ENDPOINT_URL_S3": at(moto.endpoint_url, "endpoint"),
        "AWS_SECRET_ACCESS_KEY": f"{CANARY}-secret",
        "AWS_SESSION_TOKEN": f"{CANARY}-session",
        "HTTPS_PROXY": at("http://127.0.0.1:9", "proxy"),
        "HTTP_PROXY": at("http://127.0.0.1:9", "proxy"),
        "NO_PROXY": "127.0.0.1,localhost",
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("tasks.arrivals.waiting.WAITS", (timedelta(0),) * 3)
    for name in ("fetch", "produce", "decide"):
        monkeypatch.setattr(absorb_units, name, getattr(steps, name).with_options(retries=0))
    return world


def test_credentials_stand_nowhere_after_failures_of_every_kind(
    canaries: World, mlflow_server, capfd, caplog, monkeypatch: pytest.MonkeyPatch
):
    """MLflow away in the middle, a library that quotes addresses and secrets, a store that refuses."""
    name, log_outcome, take_in = canaries.target.name, steps.log_outcome, steps.take_in
    gone = at(f"http://127.0.0.1:{free_port()}", "mlflow")

    def mlflow_goes_away(client, *args, **kwargs):
        return log_outcome(connect(gone), *args, **kwargs)

    def library_quotes(*args, **kwargs):
        try:
            raise ConnectionError(f"asked {gone} with {CANARY}-secret, {CANARY}-session")
        except ConnectionError as error:
            raise MlflowException(f"API request to {gone}/api failed: {error}") from error

    def fault_of_ours(*args, **kwargs):
        raise RuntimeError(f"unforeseen at {gone}: {CANARY}-secret")

    def store_refuses(*args, **kwargs):
        raise OSError(13, f"refused {CANARY}-session", at("http://127.0.0.1:9", "endpoint"))

    outcomes = [mlflow_goes_away, library_quotes, fault_of_ours]
    intakes = [take_in, store_refuses]
    # Each attempt meets the next failure, the last one none. A run ends where MLflow is away; it goes on with
    # what waits no more after other failures.
    monkeypatch.setattr(
        steps, "log_outcome", lambda *a, **k: (outcomes.pop(0) if outcomes else log_outcome)(*a, **k)
    )
    monkeypatch.setattr(steps, "take_in", lambda *a, **k: (intakes.pop(0) if intakes else take_in)(*a, **k))
    canaries.publish(1, year=2001)
    for _ in (mlflow_goes_away, library_quotes):
        with pytest.raises(TrackingUnavailable):
            absorb(name)
    with pytest.raises(RuntimeError, match="broke off"):
        absorb(name)

    assert [entry.decision for entry in canaries.decided()] == ["promoted"]
    reasons = [entry.reason for entry in canaries.journal.entries() if entry.kind == "requeued"]
    assert len(reasons) == 4
    assert any("MLflow did not answer" in reason for reason in reasons)
    assert any("unforeseen" in reason and "***" in reason for reason in reasons)
    look_for_the_canary(canaries, mlflow_server, capfd, caplog)


def look_for_the_canary(world: World, mlflow_server, capfd, caplog) -> None:
    """Read every byte that was kept anywhere, and all that was printed."""
    prefect = Path(PREFECT_API_DATABASE_CONNECTION_URL.value().rpartition(":///")[2])
    assert world.target.name.encode() in b"".join(each.read_bytes() for each in prefect.parent.glob("*.db*"))
    kept = [
        *prefect.parent.rglob("*"),
        *mlflow_server.artifacts.parent.rglob("*"),
        *world.cache_dir.rglob("*"),
    ]
    found = [str(path) for path in kept if path.is_file() and CANARY.encode() in path.read_bytes()]
    for prefix in ("journal/", "manifests/", "targets/", "datasets/", "probes/"):
        for item in world.store.list(prefix):
            if CANARY.encode() in world.store.get(item.key).body:
                found.append(item.key)
    out, err = capfd.readouterr()
    found += [line for line in f"{out}\n{err}\n{caplog.text}".splitlines() if CANARY in line]
    assert found == []


BACK = ["rollback", "TARGET", "--reason", "r"]


@pytest.mark.parametrize(
    ("command", "settings", "said"),
    [
        (["status"], {"MLFLOW_TRACKING_URI": f"team:{CANARY}@mlflow:5000"}, "MLFLOW_TRACKING_URI"),
        (["status"], {"MLFLOW_TRACKING_URI": f"http://team:{CANARY}/x@mlflow:5000"}, "%2F"),
        (["status"], {"AWS_ENDPOINT_URL_S3": at("http://s3.example.invalid", "endpoint")}, "store"),
        (
            ["rollback", "TARGET", "--reason", "r"],
            {"MLFLOW_TRACKING_URI": at("http://127.0.0.1:9", "mlflow")},
            "",
        ),
        (["absorb", "--target", "TARGET"], {"PREFECT_API_URL": at("http://127.0.0.1:9/api", "prefect")}, ""),
    ],
    ids=["no-scheme", "unquoted", "store-behind-proxy", "mlflow-away", "prefect-away"],
)
@pytest.mark.parametrize("debug", [(), ("--debug",)], ids=["line", "debug"])
def test_no_command_prints_credentials(canaries: World, command, settings, said, debug):
    asked = [canaries.target.name if part == "TARGET" else part for part in command]
    environment = os.environ | {"PREFECT_CLIENT_MAX_RETRIES": "0"} | settings
    done = subprocess.run(
        [*GRASP, *debug, *asked], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert said in done.stderr
    assert CANARY not in done.stdout + done.stderr
    assert ("Traceback" in done.stderr) or not debug


def test_no_worker_prints_credentials(canaries: World, tmp_path: Path):
    environment = os.environ | {
        "PREFECT_API_URL": at("http://127.0.0.1:9/api", "prefect"),
        "PREFECT_HOME": str(tmp_path),
    }
    command = [sys.executable, "-m", "deployments.workers", "cpu"]
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60
        )
        said = done.stdout + done.stderr
    except subprocess.TimeoutExpired as error:
        said = b"".join(each or b"" for each in (error.stdout, error.stderr)).decode()
    assert re.search(r"127\.0\.0\.1:9|connect", said), said
    assert CANARY not in said
    assert not [p for p in tmp_path.rglob("*") if p.is_file() and CANARY.encode() in p.read_bytes()]
