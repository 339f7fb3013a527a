"""Servers for a measurement on this machine: MLflow on sqlite, and moto for the bucket."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


class Mlflow(NamedTuple):
    """A running MLflow server and the database below it."""

    uri: str
    database: Path


@contextmanager
def mlflow_server(directory: Path) -> Iterator[Mlflow]:
    """Run an MLflow server with its database and artifacts in a directory."""
    port, database = _free_port(), directory / "mlflow.db"
    command = [
        *(sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)),
        *("--workers", "1", "--backend-store-uri", f"sqlite:///{database}"),
        *("--artifacts-destination", str(directory / "artifacts")),
    ]
    with _running(command, f"http://127.0.0.1:{port}/health", directory / "mlflow.log", QUIET):
        yield Mlflow(f"http://127.0.0.1:{port}", database)


@contextmanager
def s3_server(directory: Path) -> Iterator[str]:
    """Run moto's S3 server, in memory; give its address."""
    port = _free_port()
    endpoint = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with _running(command, endpoint, directory / "moto.log", {}):
        yield endpoint


@contextmanager
def _running(command: list[str], address: str, log: Path, more: Mapping[str, str]) -> Iterator[None]:
    with log.open("wb") as file:
        server = subprocess.Popen(
            command,
            stdout=file,
            stderr=file,
            cwd=log.parent,
            env=os.environ | dict(more),
            start_new_session=True,
        )
    try:
        _wait_for(address, server)
        yield
    finally:
        os.killpg(server.pid, signal.SIGKILL)  # its own workers, too
        server.wait()


def _wait_for(address: str, server: subprocess.Popen[bytes], *, within_s: float = 180) -> None:
    deadline_s = time.monotonic() + within_s
    while time.monotonic() < deadline_s and server.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=5)
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"{address}: no answer within {within_s} s, or the server ended")


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
