"""The units of a stack: what is started, after what, and how one sees that it is there."""

import subprocess
import sys
from functools import partial
from pathlib import Path
from signal import SIGINT, SIGQUIT

from deployments.stack import environment
from deployments.stack.layout import ARTIFACTS, Layout
from deployments.stack.programs import program, without_root
from deployments.supervision.unit import HOST, Unit, answers, listens

CEPH = Path(__file__).with_name("ceph-rgw")
PYTHON = (sys.executable, "-P", "-m")
WORKER_GRACE_S = 30.0  # the worker's own supervisor kills after 20


def units(layout: Layout) -> list[Unit]:
    """Give all units in the order in which a person would start them; they stop in the reverse one."""
    return [
        *_store(layout),
        *_databases(layout),
        _nginx(layout),
        *_prefect(layout),
        *_mlflow(layout),
        *_ours(layout),
    ]


def _store(layout: Layout) -> list[Unit]:
    ceph = ("bash", str(CEPH), str(layout.directory / "ceph"), str(layout.ports.ceph))
    plain = environment.plain_environment()
    return [
        Unit(
            name="ceph-mon",
            command=(*ceph, "run-mon"),
            environment=plain,
            ready=listens(layout.ports.ceph + 1),
        ),
        Unit(name="ceph-disk", command=(*ceph, "make-osd"), environment=plain, after=("ceph-mon",)),
        Unit(
            name="ceph-osd",
            command=(*ceph, "run-osd"),
            environment=plain,
            after=("ceph-disk",),
            ready=lambda: True,
        ),
        Unit(
            name="s3",
            command=(*ceph, "run-gateway"),
            environment=plain,
            after=("ceph-osd",),
            ready=answers(f"http://{HOST}:{layout.ports.ceph}/"),
        ),
        _step(layout, "buckets", after=("s3",)),
    ]


def _databases(layout: Layout) -> list[Unit]:
    files, plain = layout.directory / "postgres", environment.plain_environment()
    postgres = ("-D", str(files), "-c", f"config_file={files}/stack.conf")
    return [
        _step(layout, "postgres-files"),
        Unit(
            name="postgres",
            command=without_root(program("postgres"), *postgres),
            environment=plain,
            after=("postgres-files",),
            ready=partial(_accepts, layout.ports.postgres),
            ends_with=SIGINT,  # do not wait for clients to leave
        ),
        _step(layout, "databases", after=("postgres",)),
        Unit(
            name="redis",
            command=(program("redis-server"), str(layout.directory / "redis" / "redis.conf")),
            environment=plain,
            ready=listens(layout.ports.redis),
        ),
    ]


def _accepts(port: int) -> bool:
    """Say whether PostgreSQL takes queries: it listens before, while it recovers from a crash."""
    command = [program("pg_isready"), "-q", "-h", HOST, "-p", str(port)]
    return subprocess.run(command, check=False).returncode == 0


def _nginx(layout: Layout) -> Unit:
    config = str(layout.directory / "nginx" / "nginx.conf")
    return Unit(
        name="nginx",
        command=without_root(program("nginx"), "-e", "stderr", "-c", config),
        environment=environment.plain_environment(),
        ready=listens(layout.ports.s3_tls),
        ends_with=SIGQUIT,
        grace_s=3.0,
    )


def _prefect(layout: Layout) -> list[Unit]:
    server = environment.prefect_server(layout)
    return [
        Unit(
            name="prefect-schema",
            command=(*PYTHON, "prefect", "server", "database", "upgrade", "-y"),
            environment=server,
            after=("databases",),
        ),
        _api(layout, "prefect-a", layout.ports.prefect_a, after=("prefect-schema", "redis")),
        _api(layout, "prefect-b", layout.ports.prefect_b, after=("prefect-a",)),
        Unit(
            name="prefect-services",
            command=(*PYTHON, "prefect", "server", "services", "start"),
            environment=server,
            after=("prefect-a",),
            ready=lambda: True,
        ),
    ]


def _api(layout: Layout, name: str, port: int, *, after: tuple[str, ...]) -> Unit:
    server = ("prefect", "server", "start", "--no-services", "--host", HOST, "--port", str(port))
    return Unit(
        name=name,
        command=(*PYTHON, *server),
        environment=environment.prefect_server(layout),
        after=after,
        ready=answers(f"http://{HOST}:{port}/api/ready"),
    )


def _mlflow(layout: Layout) -> list[Unit]:
    ports = layout.ports
    doors = ("", f":{ports.mlflow_tls}", f":{layout.detours.get('mlflow', ports.mlflow_tls)}")
    hosts = ",".join(f"{name}{port}" for name in (HOST, "localhost") for port in doors)
    server = (
        *("mlflow", "server", "--host", HOST, "--port", str(ports.mlflow), "--workers", "1"),
        *("--app-name", "basic-auth", "--artifacts-destination", f"s3://{ARTIFACTS}"),
        *("--allowed-hosts", f"{hosts},{HOST}:{ports.mlflow}", "--cors-allowed-origins", layout.mlflow),
    )
    return [
        Unit(
            name="mlflow",
            command=(*PYTHON, *server),
            environment=environment.mlflow_server(layout),
            after=("databases", "buckets", "nginx"),
            ready=answers(f"http://{HOST}:{ports.mlflow}/health"),
        ),
        _step(layout, "accounts", after=("mlflow", "nginx")),
    ]


def _ours(layout: Layout) -> list[Unit]:
    return [
        _step(layout, "deployed", after=("prefect-a", "nginx", "buckets")),
        Unit(
            name="receiver",
            command=(*PYTHON, "deployments.receiver"),
            environment=environment.receiver(layout),
            after=("prefect-a", "nginx"),
            ready=answers(f"http://{HOST}:{layout.ports.receiver}/health"),
        ),
        *(_worker(layout, pool) for pool in ("cpu", "gpu")),
    ]


def _worker(layout: Layout, pool: str) -> Unit:
    health = answers(f"http://{HOST}:{getattr(layout.ports, f'worker_{pool}')}/health")
    return Unit(
        name=f"worker-{pool}",
        command=(*PYTHON, "deployments.workers", pool),
        environment=environment.worker(layout, pool),
        after=("deployed", "accounts"),
        ready=health,
        healthy=health,
        grace_s=WORKER_GRACE_S,
    )


def _step(layout: Layout, name: str, *, after: tuple[str, ...] = ()) -> Unit:
    return Unit(
        name=name,
        command=(*PYTHON, "deployments.stack.parts.steps", name, str(layout.directory)),
        environment=environment.whole(layout, "operator"),
        after=after,
    )
