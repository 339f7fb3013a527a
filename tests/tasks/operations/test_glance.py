"""A glance at MLflow: it logs in as the settings say, and tells no answer from a refusal."""

import base64
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tasks.contracts.state import Point, State
from tasks.credentials.logins import Login
from tasks.operations.glance import Glance
from tests.servers.threads import in_background

STATE = State(versions={1: Point(lineage="main")}, champion=1)
NEEDED = f"Basic {base64.b64encode(b'team:pass-word').decode()}"


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    """A server that has nothing, and says so only to who logs in."""

    class Porter(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(404 if self.headers.get("Authorization") == NEEDED else 401)

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Porter)
    in_background(server)
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def uri(server: HTTPServer) -> str:
    return f"http://127.0.0.1:{server.server_port}"


def test_it_logs_in_as_the_settings_say(uri: str):
    glance = Glance(uri, login=Login("team", "pass-word"))
    assert glance.missing("t", STATE) == ("experiment t is gone", "version 1, the champion, is gone")
    assert glance.away == ""


def test_a_server_that_refuses_is_not_taken_for_one_that_is_away(uri: str):
    refused = Glance(uri)
    assert refused.missing("t", STATE) == ()
    assert "MLflow answered 401" in refused.away

    away = Glance("http://127.0.0.1:9")
    assert away.missing("t", STATE) == ()
    assert "did not answer (ConnectionError)" in away.away
