"""Where a stack lies: its directory, its ports and its passwords, made once and kept."""

import contextlib
import random
import socket
from pathlib import Path
from secrets import token_urlsafe

from pydantic import BaseModel

from deployments.supervision.private import write_private
from deployments.supervision.unit import HOST

BUCKET, ARTIFACTS = "grasp", "mlflow"
FIRST_PORT, LAST_PORT = 20_000, 32_000  # below those that the kernel lends to clients
# where servers work that write over the environment by which the others are found
WORKPLACES = ("work", "postgres", "redis", "ceph", "nginx")
CEPH_PORTS = 19  # the gateway's, the monitor's two, the storage daemon's


class Ports(BaseModel):
    """Where everything listens, on loopback. What ends in _tls is nginx's: the only doors for clients."""

    postgres: int
    redis: int
    ceph: int
    prefect_a: int
    prefect_b: int
    mlflow: int
    receiver: int
    worker_cpu: int
    worker_gpu: int
    prefect_tls: int
    mlflow_tls: int
    s3_tls: int
    receiver_tls: int


class Secrets(BaseModel):
    """One password for each door."""

    postgres: str
    prefect_database: str
    mlflow_database: str
    mlflow_auth_database: str
    redis: str
    prefect: str
    mlflow_admin: str
    mlflow_pipeline: str
    mlflow_session: str
    receiver: str
    s3_owner: str
    s3_operator: str
    s3_pipeline: str
    s3_publisher: str
    s3_artifacts: str


class Layout(BaseModel):
    """A stack's own facts, as `stack.json` keeps them for its owner alone."""

    directory: Path
    ports: Ports
    secrets: Secrets
    mark: str
    detours: dict[str, int] = {}  # ports that clients use in nginx's place: chaos stands there

    @property
    def prefect(self) -> str:
        """Give the address of Prefect's UI; its API lies below /api."""
        return self._door("prefect")

    @property
    def mlflow(self) -> str:
        """Give MLflow's address."""
        return self._door("mlflow")

    @property
    def s3(self) -> str:
        """Give the store's address."""
        return self._door("s3")

    @property
    def receiver(self) -> str:
        """Give the address to which stores send what happened in a bucket."""
        return self._door("receiver")

    def _door(self, name: str) -> str:
        port = self.detours.get(name, getattr(self.ports, f"{name}_tls"))
        return f"https://{HOST}:{port}"

    @property
    def authority(self) -> Path:
        """Give the certificate that clients have to trust."""
        return self.directory / "tls" / "ca.pem"


def read_layout(directory: Path) -> Layout:
    """Read what `stack up` made in this directory. Needs `stack.json` there."""
    return Layout.model_validate_json((directory / "stack.json").read_bytes())


def make_layout(directory: Path) -> Layout:
    """Choose ports and passwords for a new stack, or read those of one that is there."""
    directory.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        return read_layout(directory)
    layout = Layout(
        directory=directory,
        ports=_choose_ports(),
        secrets=Secrets.model_validate({name: token_urlsafe(24) for name in Secrets.model_fields}),
        mark=token_urlsafe(16),
    )
    write_private(directory / "stack.json", layout.model_dump_json(indent=1))
    return layout


def _choose_ports() -> Ports:
    taken: set[int] = set()
    chosen = {}
    for name in Ports.model_fields:
        span = CEPH_PORTS if name == "ceph" else 1
        chosen[name] = _free_port(taken, span)
        taken.update(range(chosen[name], chosen[name] + span))
    return Ports.model_validate(chosen)


def _free_port(taken: set[int], span: int) -> int:
    while True:
        first = random.randrange(FIRST_PORT, LAST_PORT - span)
        wanted = range(first, first + span)
        if taken.isdisjoint(wanted) and all(map(_is_free, wanted)):
            return first


def _is_free(port: int) -> bool:
    with contextlib.closing(socket.socket()) as probe:
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
