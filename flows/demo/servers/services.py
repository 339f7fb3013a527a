"""The demo's servers and workers: moto's S3, MLflow on sqlite, Prefect, two process workers."""

import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from deployments.ports import HOST
from deployments.workers import worker_command
from flows.demo.servers.addresses import Addresses, port_of
from flows.demo.servers.failure import DemoFailed
from flows.demo.servers.processes import Children

PATIENCE_S = 300.0  # for a server on a very busy machine
POOLS = ("cpu", "gpu")


def start_servers(children: Children, addresses: Addresses, directory: Path) -> None:
    """Start the three servers; they need some seconds more."""
    mlflow = directory / "mlflow"
    commands = {
        "prefect": ["prefect", "server", "start", "--host", HOST, "--port", port_of(addresses.prefect)],
        "mlflow": [
            *("mlflow", "server", "--host", HOST, "--port", port_of(addresses.mlflow), "--workers", "1"),
            *("--backend-store-uri", f"sqlite:///{mlflow}/mlflow.db"),
            *("--artifacts-destination", str(mlflow / "artifacts")),
        ],
        "s3": ["flows.demo.servers.s3", "--host", HOST, "--port", port_of(addresses.s3)],
    }
    for name, module in commands.items():
        children.start(name, [sys.executable, "-m", *module], cwd=directory / name)


def await_s3(children: Children, addresses: Addresses) -> None:
    """Wait until the S3 server answers. Raises DemoFailed when it does not."""
    _await(children, "s3", f"{addresses.s3}/")


def await_mlflow(children: Children, addresses: Addresses) -> None:
    """Wait until the MLflow server answers. Raises DemoFailed when it does not."""
    _await(children, "mlflow", f"{addresses.mlflow}/health")


def await_prefect(children: Children, addresses: Addresses) -> None:
    """Wait until the Prefect server answers. Raises DemoFailed when it does not."""
    _await(children, "prefect", f"{addresses.prefect}/api/health")


def start_workers(children: Children, directory: Path) -> None:
    """Start one process worker per pool; their flow runs write into their logs."""
    for pool in POOLS:
        children.keep(f"worker-{pool}", worker_command(pool), cwd=directory / f"worker-{pool}")


def _await(children: Children, name: str, address: str) -> None:
    plain = build_opener(ProxyHandler({}))
    limit = time.monotonic() + PATIENCE_S
    while True:
        children.check()
        try:
            with plain.open(address, timeout=5):
                return
        except (URLError, TimeoutError, ConnectionError) as error:
            if time.monotonic() > limit:
                raise DemoFailed(f"{name}: {address} does not answer after {PATIENCE_S:.0f} s") from error
        time.sleep(0.2)
