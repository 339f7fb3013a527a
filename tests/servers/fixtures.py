"""Real S3 servers for the tests of the bucket's side: moto's, our own, and Ceph RGW where it is installed."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tasks.bucket.store import Store
from tasks.settings import StoreSettings

RGW_SCRIPT = Path(__file__).parents[2] / "deployments" / "stack" / "ceph-rgw"


@dataclass(frozen=True)
class Server:
    """An S3 server on this machine."""

    name: str
    endpoint_url: str
    access_key_id: str = "AKTEST"
    secret_access_key: str = "SKTEST"
    control: Callable[..., None] | None = None  # "kill", "gateway" (start it again), "user", where it can

    def settings(self, bucket: str, **changes: object) -> StoreSettings:
        fields = {
            "endpoint_url": self.endpoint_url,
            "access_key_id": self.access_key_id,
            "secret_access_key": self.secret_access_key,
        }
        return StoreSettings(_env_file=None, bucket=bucket, **fields | changes)

    def add_user(self, name: str) -> None:
        """Make a user without any rights; its keys are NAME and secret-NAME."""
        self.control("user", name, name, f"secret-{name}")

    def store(self, bucket: str | None = None, **changes: object) -> Store:
        """Connect to a bucket; without a name to a fresh one."""
        store = Store.from_settings(self.settings(bucket or f"b-{uuid.uuid4().hex[:16]}", **changes))
        if bucket is None:
            store.create_bucket()
        return store


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch):
    for name in list(os.environ):
        if name.startswith(("AWS_", "GRASP_", "MLFLOW_")):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """moto behind a lock, in a process of its own; it checks no credentials."""
    port = free_port()
    log = (tmp_path_factory.mktemp("moto") / "log").open("wb")
    command = [sys.executable, "-m", "flows.demo.servers.s3", "--host", "127.0.0.1", "--port", str(port)]
    server = subprocess.Popen(command, stdout=log, stderr=log)
    endpoint = f"http://127.0.0.1:{port}"
    try:
        wait_for(endpoint, server)
        yield Server("moto", endpoint)
    finally:
        server.terminate()
        server.wait()


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server of `grasp up`, in memory where there is such a disk: it flushes every write."""
    memory = Path("/dev/shm")
    disk = tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None)
    with disk as directory, kept_in(Path(directory)) as server:
        yield server


@contextmanager
def kept_in(directory: Path) -> Iterator[Server]:
    """The server of `grasp up` on a directory; killed in the end, as a power cut would."""
    port = free_port()
    command = [sys.executable, "-m", "deployments.s3.server", str(directory), "--port", str(port)]
    keys = {"AWS_ACCESS_KEY_ID": "AKTEST", "AWS_SECRET_ACCESS_KEY": "SKTEST"}
    server = subprocess.Popen(command, env={**os.environ, **keys})
    try:
        wait_for(f"http://127.0.0.1:{port}", server)
        yield Server("kept", f"http://127.0.0.1:{port}")
    finally:
        server.kill()
        server.wait()


@pytest.fixture(scope="session")
def rgw(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Ceph RGW; skipped where it is not installed."""
    if not shutil.which("radosgw"):
        pytest.skip("radosgw is not installed; deployments/stack/ceph-rgw says how")
    directory, port = tmp_path_factory.mktemp("rgw"), free_port(span=20)

    def control(*action: str) -> None:
        subprocess.run([RGW_SCRIPT, directory, str(port), *action], check=True, capture_output=True)

    try:
        control("init")
        yield Server("rgw", f"http://127.0.0.1:{port}", control=control)
    finally:
        control("stop")


@pytest.fixture(scope="session")
def yours() -> Server:
    """A server that somebody named: TEST_S3_ENDPOINT, TEST_S3_ACCESS_KEY and TEST_S3_SECRET_KEY."""
    return Server(
        "yours",
        os.environ["TEST_S3_ENDPOINT"],
        os.environ.get("TEST_S3_ACCESS_KEY", "AKTEST"),
        os.environ.get("TEST_S3_SECRET_KEY", "SKTEST"),
    )


SERVERS = [
    "moto",
    pytest.param("kept", marks=pytest.mark.slow),
    pytest.param("rgw", marks=pytest.mark.integration),
]
if "TEST_S3_ENDPOINT" in os.environ:
    SERVERS.append("yours")


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> Server:
    """Every server that the store's behaviour suite runs against."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def store(moto: Server) -> Store:
    """A fresh bucket on moto."""
    return moto.store()


def free_port(span: int = 1) -> int:
    """Find a port of which the next `span` are free, too."""
    while True:
        with closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        if port + span < 65536 and all(_is_free(port + i) for i in range(span)):
            return port


def _is_free(port: int) -> bool:
    with closing(socket.socket()) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def kill_tree(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it started, as a power cut would."""
    if process.poll() is None:
        for each in [*psutil.Process(process.pid).children(recursive=True), process]:
            with suppress(psutil.NoSuchProcess):
                each.kill()
    process.wait()


def wait_for(endpoint: str, process: subprocess.Popen[bytes], *, within_s: float = 60) -> None:
    """Wait until a server answers anything."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{endpoint}: the server ended with {process.returncode}")
        try:
            urllib.request.urlopen(endpoint, timeout=5)
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"{endpoint}: no answer within {within_s} s")


@dataclass(frozen=True)
class MlflowServer:
    """An MLflow server on this machine, and where it keeps artifacts."""

    uri: str
    artifacts: Path


@contextmanager
def mlflow_of(root: Path) -> Iterator[MlflowServer]:
    """A real MLflow server on the sqlite file and the artifacts in this directory."""
    port = free_port()
    server = MlflowServer(f"http://127.0.0.1:{port}", root / "artifacts")
    command = [
        *(sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)),
        *("--workers", "1", "--backend-store-uri", f"sqlite:///{root}/mlflow.db"),
        *("--artifacts-destination", str(server.artifacts)),
    ]
    plain = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    with (root / "log").open("wb") as log:
        process = subprocess.Popen(
            command,
            stdout=log,
            stderr=log,
            cwd=root,
            env=plain | {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
            start_new_session=True,
        )
    try:
        wait_for(server.uri + "/health", process, within_s=180)
        yield server
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # its own workers, too
        process.wait()


@pytest.fixture(scope="session")
def mlflow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    """One MLflow server for all tests."""
    with mlflow_of(tmp_path_factory.mktemp("mlflow")) as server:
        yield server
