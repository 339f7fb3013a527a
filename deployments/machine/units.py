"""The units of a one-machine stack, in the order in which they start."""

import sys
from collections.abc import Mapping
from pathlib import Path

from deployments.machine import environment
from deployments.machine.layout import Layout, Server
from deployments.ports import HOST
from deployments.supervision.unit import Unit, answers, listens

PYTHON = (sys.executable, "-P", "-m")
POOLS = ("cpu", "gpu")
OPTIONAL = tuple(f"worker-{pool}" for pool in POOLS)
WORKER_GRACE_S = 10.0  # an absorb gives its attempt back in two or three


def units(layout: Layout, servers: tuple[Server, ...], written: Mapping[str, str]) -> list[Unit]:
    """Give what is to run: the servers that are ours, a step that makes them ready, the workers.

    written: all that .env says.
    """
    make = {"s3": _s3, "mlflow": _mlflow, "prefect": _prefect}
    ours = [make[server](layout, written) for server in servers]
    settled = Unit(
        name="settle",
        command=(*PYTHON, "deployments.machine.settle"),
        environment=environment.whole(written),
        after=tuple(unit.name for unit in ours),
    )
    every = [*ours, settled, *(_worker(layout, written, pool) for pool in POOLS)]
    return [unit for unit in every if unit.name not in layout.without]


def _s3(layout: Layout, written: Mapping[str, str]) -> Unit:
    server = ("deployments.s3.server", _made(layout, "s3"), "--host", HOST, "--port", str(layout.ports.s3))
    return Unit(
        name="s3",
        command=(*PYTHON, *server),
        environment=environment.whole(written),
        ready=listens(layout.ports.s3),
    )


def _mlflow(layout: Layout, written: Mapping[str, str]) -> Unit:
    kept = _made(layout, "mlflow")
    server = (
        *("mlflow", "server", "--host", HOST, "--port", str(layout.ports.mlflow), "--workers", "1"),
        *(
            "--backend-store-uri",
            f"sqlite:///{kept}/mlflow.db",
            "--artifacts-destination",
            f"{kept}/artifacts",
        ),
    )
    return Unit(
        name="mlflow",
        command=(*PYTHON, *server),
        environment=environment.whole(written),
        ready=answers(f"{layout.address('mlflow')}/health"),
        healthy=answers(f"{layout.address('mlflow')}/health"),
        grace_s=5.0,
    )


def _prefect(layout: Layout, written: Mapping[str, str]) -> Unit:
    _made(layout, "prefect")
    server = ("prefect", "server", "start", "--host", HOST, "--port", str(layout.ports.prefect))
    return Unit(
        name="prefect",
        command=(*PYTHON, *server),
        environment=environment.prefect_server(layout, written),
        ready=answers(f"{layout.address('prefect')}/api/ready"),
        healthy=answers(f"{layout.address('prefect')}/api/health"),
        grace_s=5.0,
    )


def _worker(layout: Layout, written: Mapping[str, str], pool: str) -> Unit:
    health = answers(f"http://{HOST}:{getattr(layout.ports, f'worker_{pool}')}/health")
    return Unit(
        name=f"worker-{pool}",
        command=(*PYTHON, "deployments.workers", pool),
        environment=environment.worker(layout, written, pool),
        after=("settle",),
        ready=health,
        healthy=health,
        grace_s=WORKER_GRACE_S,
    )


def _made(layout: Layout, name: str) -> str:
    kept: Path = layout.data / name
    kept.mkdir(parents=True, exist_ok=True)
    return str(kept)
