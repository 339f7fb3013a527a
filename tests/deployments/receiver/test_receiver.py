"""The receiver's door: who knocks rightly is passed on once, forged, oversize and odd bodies are not."""

import http.client
import json
from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from deployments.receiver.messages import is_same, read_message
from deployments.receiver.queue import take_from_queue
from deployments.receiver.rate import Rate
from deployments.receiver.server import MOST_BYTES, Receiver
from tasks.bucket.notifications import Queue
from tasks.errors import OrchestrationUnavailable
from tests.servers.late import sent_after_the_answer
from tests.servers.threads import in_background

SECRET = "a-secret-of-the-test"
BEARER = {"Authorization": f"Bearer {SECRET}"}


def notification(
    key: str = "manifests/digits/2014/1.json", *, bucket: str = "grasp", opaque: str = ""
) -> bytes:
    record = {"eventName": "ObjectCreated:Put", "opaqueData": opaque}
    record["s3"] = {"bucket": {"name": bucket}, "object": {"key": key}}
    return json.dumps({"Records": [record]}).encode()


class Door:
    """A receiver on a port of its own, and what it told Prefect."""

    def __init__(self, rate: Rate | None = None) -> None:
        self.told: list[int] = []
        self.fails = False
        self._server = Receiver(("127.0.0.1", 0), bucket="grasp", secret=SECRET, emit=self._emit, rate=rate)
        in_background(self._server)

    def _emit(self, manifests: int) -> None:
        if self.fails:
            raise OrchestrationUnavailable("the Prefect API did not answer")
        self.told.append(manifests)

    @property
    def port(self) -> int:
        return self._server.server_port

    def post(self, body: bytes, path: str = "/events", **headers: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("POST", path, body, headers)
            return connection.getresponse().status
        finally:
            connection.close()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def door() -> Iterator[Door]:
    made = Door()
    yield made
    made.close()


def test_a_manifest_is_told_to_prefect_with_the_secret_in_the_header_or_in_the_body(door: Door):
    assert door.post(notification(), **BEARER) == 204
    assert door.post(notification(opaque=SECRET)) == 204
    assert door.told == [1, 1]


@pytest.mark.parametrize("body", [notification(), notification(opaque="wrong"), b"{}", b"no JSON", b""])
def test_without_the_secret_every_body_is_refused_alike(door: Door, body: bytes):
    assert door.post(body) == 401
    assert door.post(body, Authorization="Bearer wrong") == 401
    assert door.told == []


def test_one_record_without_the_secret_spoils_all(door: Door):
    records = [json.loads(notification(opaque=each))["Records"][0] for each in (SECRET, "wrong")]
    assert door.post(json.dumps({"Records": records}).encode()) == 401


@pytest.mark.parametrize(
    "body",
    [notification("journal/digits-now/1.json"), notification(bucket="another"), b'{"Event": "s3:TestEvent"}'],
)
def test_what_is_no_manifest_of_ours_wakes_nobody(door: Door, body: bytes):
    assert door.post(body, **BEARER) == 204
    assert door.told == []


@pytest.mark.parametrize("body", [b"no JSON", b"[]", b'{"Records": 3}', b'{"Records": [3]}', b"[" * 100_000])
def test_what_is_no_notification_is_refused(door: Door, body: bytes):
    assert door.post(body, **BEARER) == 400


def test_a_body_over_the_limit_is_refused_unread(door: Door):
    assert door.post(b"", **BEARER, **{"Content-Length": str(MOST_BYTES + 1)}) == 413
    assert door.post(b"", **BEARER, **{"Content-Length": "-1"}) == 411


def test_whoever_still_sends_a_refused_body_reads_the_answer(door: Door):
    status, left = sent_after_the_answer(door.port, "/events", body_bytes=MOST_BYTES * 16)
    assert (status, left) == (413, b"")


def test_only_one_path_takes_notifications(door: Door):
    assert door.post(notification(), path="/events/../secret", **BEARER) == 404


def test_the_store_is_told_to_send_again_while_prefect_is_away(door: Door):
    door.fails = True
    assert door.post(notification(), **BEARER) == 503
    door.fails = False
    assert door.post(notification(), **BEARER) == 204
    assert door.told == [1]


def test_too_many_requests_are_turned_away_for_a_while():
    door = Door(rate=Rate(0.0, burst=2))
    try:
        assert [door.post(notification(), **BEARER) for _ in range(3)] == [204, 204, 429]
    finally:
        door.close()


def test_a_rate_fills_up_again_with_time():
    now = [0.0]
    rate = Rate(2.0, burst=1, clock=lambda: now[0])
    assert [rate.allows(), rate.allows()] == [True, False]
    now[0] = 0.5
    assert [rate.allows(), rate.allows()] == [True, False]


def test_keys_are_read_as_stores_write_them():
    assert read_message(notification("manifests%2Fdigits%2F2014%2F1.json"), bucket="grasp").manifests == 1


def test_secrets_are_compared_whole_whatever_their_alphabet():
    assert is_same("gleich-ü", "gleich-ü")
    assert not is_same("gleich", "gleich-ü")


@mock_aws
def test_messages_of_a_queue_are_deleted_once_prefect_has_the_event(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tasks.bucket.notifications.LONG_POLL_S", 0)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    client = boto3.client("sqs", region_name="us-east-1")
    url = client.create_queue(QueueName="arrivals", Attributes={"VisibilityTimeout": "0"})["QueueUrl"]
    told: list[int] = []
    queue = Queue(client, url)

    def away(_manifests: int) -> None:
        raise OrchestrationUnavailable("the Prefect API did not answer")

    for body in (notification(), notification("journal/x"), b"no notification"):
        client.send_message(QueueUrl=url, MessageBody=body.decode())
    assert take_from_queue(queue, bucket="grasp", emit=away) == -1
    assert take_from_queue(queue, bucket="grasp", emit=told.append) == 3
    assert take_from_queue(queue, bucket="grasp", emit=told.append) == 0
    assert told == [1]
