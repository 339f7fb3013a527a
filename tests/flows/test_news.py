"""What a target's journal says anew reaches Prefect as events, once, from flows and from commands."""

import json
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from flows.absorb import absorb
from tasks.absorbing.work import open_work
from tasks.operations.operate import roll_back
from tasks.orchestration.events import DROPPED
from tests.flows.conftest import World
from tests.servers.threads import in_background

pytestmark = pytest.mark.integration


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch):
    """What is posted to an events endpoint."""
    found: list[dict] = []

    class Api(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(422)  # as a server without CSRF protection answers

        def do_POST(self) -> None:
            assert self.path == "/api/events"
            found.extend(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Api)
    in_background(server)
    monkeypatch.setenv("PREFECT_API_URL", f"http://127.0.0.1:{server.server_port}/api")
    yield found
    server.shutdown()
    server.server_close()


def test_decisions_and_moves_are_told_once_and_a_dead_prefect_holds_up_nothing(
    world: World, events: list[dict], monkeypatch: pytest.MonkeyPatch
):
    world.publish(1, year=2001)
    world.publish(2, year=2002)
    name = world.target.name
    world.store.put("manifests/digits/2003/1.json", b"no manifest")
    absorb(name)
    absorb(name)  # nothing is new

    dropped = [event for event in events if event["event"] == DROPPED]  # what digits came to; policy: always
    assert len({event["id"] for event in events}) == 3 + len(dropped)
    events[:] = [event for event in events if event not in dropped]
    kinds = sorted(event["event"] for event in events)
    assert kinds == ["grasp.decided.promoted", "grasp.decided.promoted", "grasp.decided.quarantined"]
    assert {event["resource"]["prefect.resource.id"] for event in events} == {f"grasp.target.{name}"}
    (refused,) = (event for event in events if event["event"].endswith("quarantined"))
    assert refused["payload"]["reason"] == "manifest_invalid"

    roll_back(open_work(name, by="test"), 1, reason="leaked labels")
    assert events[3]["event"] == "grasp.champion.moved"
    assert events[3]["payload"]["text"] == f"{name}: version 1 is champion (rolled_back): leaked labels"

    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    world.publish(3, year=2004)
    absorb(name)
    assert world.journal.state().champion == 3
