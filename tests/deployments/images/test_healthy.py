"""A container is healthy when its door answers with success."""

from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from deployments.images.healthy import main
from tests.servers.threads import in_background


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch):
    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/well" else 503)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Door)
    in_background(server)
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(("path", "code"), [("/well", 0), ("/ill", 1)])
def test_the_exit_code_is_the_doors_word(door: str, path: str, code: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HEALTH_URL", door + path)
    assert main() == code


def test_a_door_that_is_shut_is_ill_and_none_that_is_named_is_not_asked(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HEALTH_URL", "http://127.0.0.1:9/health")
    assert main() == 1
    monkeypatch.delenv("HEALTH_URL")
    assert main() == 0
