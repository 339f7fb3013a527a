"""Every notification, from what the journal says to a local HTTP sink, through a real Prefect server."""

import json
import queue
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from uuid import uuid4

import pytest
from pydantic import SecretStr

from deployments.automations import ensure_automation
from deployments.bootstrap import bootstrap
from deployments.notifications import BLOCK, ensure_webhook, notifications
from tasks.errors import InvalidSettings
from tasks.orchestration.events import DECIDED, DROPPED, MOVED, News, announce
from tests.servers.threads import in_background

pytestmark = pytest.mark.integration
WITHIN_S = 90


@pytest.fixture
def sink():
    """An HTTP server that keeps what is posted to it."""
    posted: queue.Queue[dict] = queue.Queue()

    class Sink(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            posted.put({"type": self.headers["Content-Type"], **json.loads(body)})
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Sink)
    in_background(server)
    posted.url = f"http://127.0.0.1:{server.server_port}/hook?token=canary-of-the-sink"
    yield posted
    server.shutdown()
    server.server_close()


@pytest.fixture
def told(client, prefect_server, sink, monkeypatch):
    """A bootstrapped server that posts to the sink; its automations are gone afterwards."""
    monkeypatch.setenv("GRASP_NOTIFY_URL", sink.url)
    monkeypatch.setenv("PREFECT_API_URL", prefect_server.api_url)
    bootstrap()
    yield
    for automation in client.read_automations():
        if automation.name.startswith("grasp: tell"):
            client.delete_automation(automation.id)


def news(event: str, text: str) -> News:
    return News(
        event=event, target="digits-now", seq=7, at=datetime.now(UTC), text=text, facts={"version": 3}
    )


def test_each_thing_that_happens_to_a_target_is_posted_with_its_line(told, sink):
    kinds = [f"{DECIDED}{each}" for each in ("promoted", "rejected", "quarantined", "parked", "duplicate")]
    wanted = {kind: f'{kind} of "2014" <r1>' for kind in [*kinds[:-1], MOVED, DROPPED]}
    announce([news(kind, f'{kind} of "2014" <r1>') for kind in [*kinds, MOVED, DROPPED]])
    found = [sink.get(timeout=WITHIN_S) for _ in wanted]
    assert {each["event"]: each["text"] for each in found} == wanted  # none is posted of a duplicate
    assert {each["type"] for each in found} == {"application/json"}
    assert found[0]["facts"]["target"] == "digits-now"


def test_a_watch_that_falls_silent_is_told_once(client, told, sink):
    block_id, _ = ensure_webhook(SecretStr(sink.url))
    *_, silence = notifications(block_id, silence_s=10)
    ensure_automation(client, silence)
    flow = client.create_flow_from_name("watch")
    from prefect.client.schemas.objects import Flow
    from prefect.events import emit_event

    assert isinstance(client.read_flow(flow), Flow)
    related = {"prefect.resource.role": "flow", "prefect.resource.name": "watch"}
    emit_event(
        "prefect.flow-run.Completed",
        resource={"prefect.resource.id": f"prefect.flow-run.{uuid4()}"},
        related=[{"prefect.resource.id": f"prefect.flow.{flow}", **related}],
    )
    found = sink.get(timeout=WITHIN_S)
    assert found["event"] == "grasp.watch.silent"
    with pytest.raises(queue.Empty):
        sink.get(timeout=15)


def test_a_second_bootstrap_leaves_notifications_alone_and_another_address_is_taken(told, sink, monkeypatch):
    assert set(bootstrap().values()) == {"unchanged"}
    monkeypatch.setenv("GRASP_NOTIFY_URL", sink.url + "2")
    assert bootstrap()[f"block webhook/{BLOCK}"] == "updated"


def test_an_address_that_is_none_is_refused_and_not_shown(monkeypatch, client):
    monkeypatch.setenv("GRASP_NOTIFY_URL", "hooks.example.org/canary-token-1")
    with pytest.raises(InvalidSettings) as refused:
        bootstrap()
    assert "GRASP_NOTIFY_URL" in str(refused.value)
    assert "canary-token-1" not in str(refused.value)
