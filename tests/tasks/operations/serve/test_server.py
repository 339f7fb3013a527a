"""A served champion: MLflow's scoring protocol, names and probabilities, and a swap that loses no request."""

import http.client
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tasks.contracts.base import Architecture, InputSpec, ModelSignature
from tasks.operations.serve.followed import Served
from tasks.operations.serve.server import MAX_BODY_BYTES, Server
from tasks.operations.serve.tally import Tally
from tests.servers.late import sent_after_the_answer
from tests.servers.threads import in_background

INPUT = InputSpec(height=2, width=2, channels=1, mean=(0.5,), std=(0.5,))
SIGNATURE = ModelSignature(
    architecture=Architecture(id="grasp/digits-cnn", in_channels=1, num_classes=2),
    classes=("cat", "dog"),
    input=INPUT,
)
IMAGE = [[[0], [255]], [[1], [2]]]


class Sure:
    """A classifier that is sure of one class."""

    signature = SIGNATURE

    def __init__(self, dog: float) -> None:
        self._dog = dog

    def predict(self, images: np.ndarray) -> np.ndarray:
        return np.array([[1 - self._dog, self._dog]] * len(images), dtype=np.float32)


class Swapped:
    """A champion that a test moves."""

    target = "t"

    def __init__(self) -> None:
        self.served = Served(1, Sure(0.25))


@pytest.fixture
def source() -> Swapped:
    return Swapped()


@pytest.fixture
def port(source: Swapped) -> Iterator[int]:
    with Server(("127.0.0.1", 0), Tally()) as server:
        server.source = source
        in_background(server)
        yield server.server_port
        server.shutdown()


def ask(port: int, body: object, *, path: str = "/invocations") -> tuple[int, dict]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    connection.request("POST", path, sent, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    said = json.loads(answer.read())
    connection.close()
    return answer.status, said


def get(port: int, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path)
    answer = connection.getresponse()
    said = answer.read().decode()
    connection.close()
    return answer.status, said


def test_an_answer_has_class_names_probabilities_and_the_version(port: int):
    status, said = ask(port, {"inputs": [IMAGE, IMAGE]})
    assert status == 200
    assert said["model"] == {"name": "t", "version": 1}
    first, second = said["predictions"]
    assert first == second
    assert (first["class"], first["probability"]) == ("cat", pytest.approx(0.75))
    assert first["probabilities"] == {"cat": pytest.approx(0.75), "dog": pytest.approx(0.25)}
    assert ask(port, {"instances": IMAGE})[1]["predictions"] == [first]  # one image alone


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"{", "is no JSON"),
        ({"images": []}, 'such as {"inputs"'),
        ([1], 'such as {"inputs"'),
        ({"inputs": [[[0.5], [1.0]], [[0.0], [0.1]]]}, "multiplied by 255"),
        ({"inputs": [[[0], [256]], [[0], [0]]]}, "from 0 to 255"),
        ({"inputs": [[[-1], [1]], [[0], [0]]]}, "from 0 to 255"),
        ({"inputs": [[[0, 0, 0]]]}, "needs (N, 2, 2, 1)"),
        ({"inputs": [[[0], [1]], [[0]]]}, "images of several sizes"),
    ],
)
def test_what_is_no_image_of_this_model_is_one_line_and_never_silently_black(port: int, body, says: str):
    status, said = ask(port, body)
    assert status == 400
    assert says in said["error"]
    assert "\n" not in said["error"]


def test_health_version_and_metrics_say_what_answers(port: int):
    ask(port, {"inputs": [IMAGE]})
    ask(port, {"inputs": [[0.5]]})
    for path in ("/health", "/ping", "/version"):
        status, said = get(port, path)
        assert (status, json.loads(said)["model"]["version"]) == (200, 1)
    metrics = get(port, "/metrics")[1].splitlines()
    assert 'grasp_requests_total{status="200"} 1' in metrics
    assert 'grasp_requests_total{status="400"} 1' in metrics
    assert "grasp_images_total 1" in metrics
    assert get(port, "/nothing")[0] == 404
    assert ask(port, {}, path="/nothing")[0] == 404


def test_whoever_sends_too_much_reads_that_it_is_too_much(port: int):
    assert sent_after_the_answer(port, "/invocations", body_bytes=MAX_BODY_BYTES + 1) == (413, b"")


def test_a_swap_under_load_loses_no_request_and_mixes_no_versions(port: int, source: Swapped):
    body = {"inputs": [IMAGE] * 4}
    stop, answers = threading.Event(), []

    def client(_: int) -> None:
        while not stop.is_set():
            answers.append(ask(port, body))

    with ThreadPoolExecutor(8) as pool:
        running = [pool.submit(client, number) for number in range(8)]
        for version in range(2, 42):
            seen = len(answers)
            while len(answers) < seen + 10:
                threading.Event().wait(0.001)
            source.served = Served(version, Sure(1.0 if version % 2 else 0.0))
        stop.set()
        for each in running:
            each.result()

    assert {status for status, _ in answers} == {200}
    assert {said["model"]["version"] for _, said in answers} > {1, 20, 40}
    for _, said in answers:
        version = said["model"]["version"]
        needed = "cat" if version == 1 or version % 2 == 0 else "dog"
        assert {each["class"] for each in said["predictions"]} == {needed}


def test_a_stop_waits_for_answers_that_are_under_way(source: Swapped):
    began, go_on = threading.Event(), threading.Event()

    class Slow(Sure):
        def predict(self, images: np.ndarray) -> np.ndarray:
            began.set()
            go_on.wait(60)
            return super().predict(images)

    source.served = Served(1, Slow(1.0))
    with ThreadPoolExecutor(1) as pool:
        with Server(("127.0.0.1", 0), Tally()) as server:
            server.source = source
            in_background(server)
            asked = pool.submit(ask, server.server_port, {"inputs": [IMAGE]})
            assert began.wait(60)
            server.shutdown()
            go_on.set()
        assert asked.result()[0] == 200


def test_a_stop_does_not_wait_for_a_client_that_never_pauses(source: Swapped):
    with Server(("127.0.0.1", 0), Tally()) as server:
        server.source = source
        in_background(server)
        connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=60)
        told = []
        for _ in range(2):
            connection.request("POST", "/invocations", json.dumps({"inputs": [IMAGE]}))
            answer = connection.getresponse()
            told.append((answer.status, answer.will_close))
            answer.read()
            server.end()
        connection.close()
    assert told == [(200, False), (200, True)]
