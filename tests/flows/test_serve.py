"""`grasp serve` follows the alias: promotions and rollbacks take effect, what stands in the way does not."""

import http.client
import json
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path

import pytest
import torch

from flows.absorb import absorb
from tasks.absorbing.work import open_work
from tasks.contracts.target import AbsorbSettings
from tasks.errors import GraspError, NotThere
from tasks.operations.operate import promote, roll_back
from tasks.operations.serve.followed import Followed
from tasks.operations.serve.server import Server
from tasks.operations.serve.tally import Tally
from tests.flows.conftest import World

pytestmark = pytest.mark.integration
CLIENTS = 4
BODY = json.dumps({"inputs": [[[[pixel]] * 8 for pixel in range(8)]]})


class Client(threading.Thread):
    """Asks without a pause until told to stop, over one connection, as a service does; keeps every answer."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.port, self.stop, self.answers = port, threading.Event(), list[tuple[int, int]]()
        self.lost: list[OSError] = []

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        while not self.stop.is_set():
            try:
                connection.request("POST", "/invocations", BODY)
                answer = connection.getresponse()
                self.answers.append((answer.status, json.loads(answer.read())["model"]["version"]))
            except OSError as error:
                self.lost.append(error)
        connection.close()


@contextmanager
def under_load(followed: Followed, tally: Tally) -> Iterator[list[Client]]:
    """Serve what is followed, and have it asked all the time."""
    stop = threading.Event()
    with Server(("127.0.0.1", 0), followed, tally) as server:
        options = {"every_s": 0.1, "on_error": tally.could_not_follow}
        following = threading.Thread(target=followed.follow, args=(stop,), kwargs=options)
        serving = threading.Thread(target=server.serve_forever)
        clients = [Client(server.server_port) for _ in range(CLIENTS)]
        for thread in (following, serving, *clients):
            thread.start()
        try:
            yield clients
        finally:
            for client in clients:
                client.stop.set()
                client.join()
            stop.set()
            following.join()
            server.shutdown()


def until_all_heard(clients: list[Client], version: int) -> None:
    """Wait until every client has an answer of this version as its last one."""
    limit = time.monotonic() + 120
    while not all(client.answers and client.answers[-1] == (200, version) for client in clients):
        assert time.monotonic() < limit
        time.sleep(0.02)


def test_a_champion_that_moves_under_load_costs_no_request_and_what_cannot_be_loaded_changes_nothing(
    world: World, mlflow_server
):
    torch.set_num_threads(1)
    world.replace_target(absorb=AbsorbSettings(mode="reference", lr=1e-3, epochs=1, initial_epochs=1))
    work, name, tally = open_work(world.target.name, by="test"), world.target.name, Tally()
    with pytest.raises(NotThere, match="nothing to serve"):
        Followed(work.mlflow, name, on_swap=tally.loaded)
    for number in (1, 2):
        world.publish(number, year=2000 + number)
        absorb(name)

    followed = Followed(work.mlflow, name, on_swap=tally.loaded)
    assert not followed.look()
    assert followed.served.classifier.signature.classes == world.target.classes
    with under_load(followed, tally) as clients:
        until_all_heard(clients, 2)
        for move, version in ((roll_back, 1), (promote, 2), (roll_back, 1)):
            move(work, version, reason="a test moves it")
            until_all_heard(clients, version)
    for client in clients:
        assert client.lost == []
        assert {status for status, _ in client.answers} == {200}
        assert [version for version, _ in groupby(client.answers, key=lambda said: said[1])] == [2, 1, 2, 1]
    answered = sum(len(client.answers) for client in clients)
    assert f'grasp_requests_total{{status="200"}} {answered}' in tally.text()
    assert "grasp_model_loads_total 4" in tally.text()

    promote(work, 2, reason="repaired")
    source = work.mlflow.get_model_version(name, "2").source
    gone = next(p for p in Path(mlflow_server.artifacts).rglob(source.rpartition("/")[2]) if p.is_dir())
    shutil.rmtree(gone)
    with pytest.raises(GraspError):
        followed.look()
    assert followed.served.registry_version == 1
