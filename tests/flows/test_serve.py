"""`grasp serve` follows the alias: promotions and rollbacks take effect, what stands in the way does not."""

import http.client
import json
import re
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path

import pytest
import torch

from flows.absorb import absorb
from tasks.absorbing.work import open_work
from tasks.contracts.target import AbsorbSettings
from tasks.errors import NotThere
from tasks.operations.operate import promote, roll_back
from tasks.operations.serve.followed import Followed
from tasks.operations.serve.server import IDLE_S
from tests.flows.conftest import World
from tests.flows.demo.demo_runs import THIS
from tests.servers.fixtures import kill_tree

pytestmark = pytest.mark.integration
CLIENTS = 4
BODY = json.dumps({"inputs": [[[[pixel]] * 8 for pixel in range(8)]]})


class Client(threading.Thread):
    """Asks without a pause until the server says that it closes, over one connection, as a service does."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.port, self.stop, self.answers = port, threading.Event(), list[tuple[int, int]]()
        self.lost: list[Exception] = []
        self.start()

    def run(self) -> None:
        connection, heard = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60), time.monotonic()
        while not self.stop.is_set():
            if time.monotonic() - heard > IDLE_S / 2:
                connection.close()  # the machine was busy elsewhere; the next request opens another one
            try:
                connection.request("POST", "/invocations", BODY)
                answer = connection.getresponse()
                self.answers.append((answer.status, json.loads(answer.read())["model"]["version"]))
            except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
                self.lost.append(error)
                return
            heard = time.monotonic()
            if answer.will_close:
                return


@contextmanager
def serving(target: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run the command, as a person does; what it says goes into a file."""
    command = [THIS, "serve", target, "--port", "0", "--every", "0.1"]
    with log.open("wb") as said:
        process = subprocess.Popen(command, cwd=log.parent, stdout=said, stderr=said)
    try:
        yield process
    finally:
        kill_tree(process)


def port_in(log: Path) -> str:
    """Read where the command answers from what it says; nothing while it has not said it."""
    found = re.search(r"answers at http://127\.0\.0\.1:(\d+)/invocations", log.read_text())
    return found[1] if found else ""


def get(port: int, path: str) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path)
    said = connection.getresponse().read().decode()
    connection.close()
    return said


def until(done: Callable[[], object]) -> None:
    limit = time.monotonic() + 120
    while not done():
        assert time.monotonic() < limit
        time.sleep(0.02)


def heard(clients: list[Client], version: int) -> bool:
    """Whether every client has an answer of this version as its last one; none has lost a request."""
    assert [client.lost for client in clients] == [[]] * CLIENTS
    return all(client.answers and client.answers[-1] == (200, version) for client in clients)


def counted(port: int, name: str) -> float:
    """What the server counted under a name."""
    (line,) = [line for line in get(port, "/metrics").splitlines() if line.startswith(f"{name} ")]
    return float(line.rpartition(" ")[2])


def test_a_champion_that_moves_under_load_costs_no_request_and_what_cannot_be_loaded_changes_nothing(
    world: World, mlflow_server, tmp_path: Path
):
    torch.set_num_threads(1)
    world.replace_target(absorb=AbsorbSettings(mode="reference", lr=1e-3, epochs=1, initial_epochs=1))
    work, name = open_work(world.target.name, by="test"), world.target.name
    with pytest.raises(NotThere, match="nothing to serve"):
        Followed(work.mlflow, name, on_swap=print)
    world.publish(1, year=2001)
    absorb(name)
    log = tmp_path / "serve.log"
    with serving(name, log) as process:
        world.publish(2, year=2002)
        absorb(name)  # meanwhile the command starts
        until(lambda: port_in(log) or process.poll() is not None)
        port = int(port_in(log))
        until(lambda: json.loads(get(port, "/health"))["model"]["version"] == 2)
        clients = [Client(port) for _ in range(CLIENTS)]
        try:
            until(lambda: heard(clients, 2))
            loads = counted(port, "grasp_model_loads_total")
            for move, version in ((roll_back, 1), (promote, 2), (roll_back, 1)):
                move(work, version, reason="a test moves it")
                until(lambda: heard(clients, version))  # noqa: B023

            source = work.mlflow.get_model_version(name, "2").source
            artifacts = Path(mlflow_server.artifacts).rglob(source.rpartition("/")[2])
            shutil.rmtree(next(path for path in artifacts if path.is_dir()))
            work.mlflow.set_registered_model_alias(name, "champion", "2")  # `promote` would not
            until(lambda: "grasp_follow_errors_total 0" not in get(port, "/metrics"))
            assert "grasp_model_version 1\n" in get(port, "/metrics")
            assert counted(port, "grasp_model_loads_total") == loads + 3
            answered = sum(len(client.answers) for client in clients)
            assert counted(port, 'grasp_requests_total{status="200"}') >= answered > 0

            process.send_signal(signal.SIGTERM)  # the clients never pause: each is told with an answer
            for client in clients:
                client.join(120)
                assert not client.is_alive()
        finally:
            for client in clients:
                client.stop.set()
        assert process.wait(120) == 0
    said = log.read_text()
    assert said.endswith("stopped; every request that was under way has its answer\n")
    assert "Traceback" not in said
    for client in clients:
        assert client.lost == []
        assert {status for status, _ in client.answers} == {200}
        assert [version for version, _ in groupby(client.answers, key=lambda said: said[1])] == [2, 1, 2, 1]
