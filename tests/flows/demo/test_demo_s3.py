"""The throwaway S3 server: moto, whose conditional writes are conditional only one at a time."""

import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import pytest

from flows.demo.servers.s3 import OneAtATime


class Application:
    """Counts who is inside at once, and takes its time."""

    def __init__(self) -> None:
        self.inside, self.most, self.bodies = 0, 0, []

    def __call__(self, environ: dict, start_response: object) -> Iterable[bytes]:
        self.inside += 1
        self.most = max(self.most, self.inside)
        time.sleep(0.01)
        self.bodies.append(environ["wsgi.input"].read())
        self.inside -= 1
        return [b"done"]


class Stalled(BytesIO):
    """A body that has not arrived yet."""

    def __init__(self, body: bytes) -> None:
        super().__init__(body)
        self.asked_for, self.arrived = threading.Event(), threading.Event()

    def read(self, size: int | None = -1) -> bytes:
        self.asked_for.set()
        assert self.arrived.wait(60)
        return super().read(size)


def request(body: BytesIO, **headers: str) -> dict:
    return {"wsgi.input": body, **headers}


@pytest.mark.parametrize("headers", [{"CONTENT_LENGTH": "1"}, {}])
def test_requests_are_answered_one_after_the_other(headers: dict[str, str]):
    application = Application()
    server = OneAtATime(application)
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: server(request(BytesIO(b"x"), **headers), None), range(32)))
    assert answers == [[b"done"]] * 32
    assert application.bodies == [b"x"] * 32
    assert application.most == 1


def test_a_body_that_is_slow_to_come_holds_up_nobody():
    application, slow = Application(), Stalled(b"slow")
    server = OneAtATime(application)
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(server, request(slow, CONTENT_LENGTH="4"), None)
        assert slow.asked_for.wait(60)
        server(request(BytesIO(b"fast"), CONTENT_LENGTH="4"), None)
        slow.arrived.set()
        assert late.result(60) == [b"done"]
    assert application.bodies == [b"fast", b"slow"]
