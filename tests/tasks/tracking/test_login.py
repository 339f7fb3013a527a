"""The way to MLflow: a login is sent to the server, and said to nobody else."""

import base64
import traceback
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tasks.credentials.logins import Login
from tasks.errors import TrackingUnavailable
from tasks.tracking.api import answering, connect
from tests.servers.threads import in_background


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[HTTPServer]:
    """A server that writes down who asks, and is out of order."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "older")  # so that both are restored afterwards
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "older")

    class Porter(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.server.asked.append(self.headers.get("Authorization"))
            self.send_error(503)

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Porter)
    server.asked = []
    in_background(server)
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("inside", [True, False], ids=["in-address", "beside"])
def test_a_login_is_sent_as_a_header_and_stands_in_no_error(server: HTTPServer, inside: bool):
    address = f"http://{'te%40m:c4n4ry%2Fpw@' if inside else ''}127.0.0.1:{server.server_port}"
    client = connect(address, login=None if inside else Login("te@m", "c4n4ry/pw"))
    with pytest.raises(TrackingUnavailable) as refused, answering("a subject"):
        client.get_experiment_by_name("x")
    assert server.asked
    assert set(server.asked) == {f"Basic {base64.b64encode(b'te@m:c4n4ry/pw').decode()}"}
    assert f"127.0.0.1:{server.server_port}" in str(refused.value)
    assert "c4n4ry" not in "".join(traceback.format_exception(refused.value))
    assert "c4n4ry" not in client.tracking_uri
