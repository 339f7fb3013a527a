"""An HTTP server for a target's champion: /invocations, /health, /ping, /version, /metrics."""

import json
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from math import inf
from typing import Any, Protocol

from tasks.errors import InvalidDocument
from tasks.lingering import Lingering
from tasks.operations.serve.followed import Served
from tasks.operations.serve.scoring import answer, images_of
from tasks.operations.serve.tally import Tally

MAX_BODY_BYTES = 64 * 1024 * 1024
IDLE_S = 5  # a connection without a request is closed, so that a stop waits for answers only


class Source(Protocol):
    """Gives the version that answers now."""

    target: str

    @property
    def served(self) -> Served:
        """Give it."""


class Server(ThreadingHTTPServer):
    """Answers each request in a thread of its own; closing it waits for those that are under way.

    Made, it holds its port, so that what takes long to load is loaded for a server that can answer; it needs
    its source before it serves.
    """

    source: Source
    daemon_threads = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], tally: Tally) -> None:
        self.tally, self.ending = tally, False
        super().__init__(address, _Handler)

    def end(self) -> None:
        """Take no further connection; one that a client keeps open gets its next answer, and is closed."""
        self.ending = True
        self.shutdown()


class _Handler(Lingering, BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = IDLE_S
    wbufsize = -1  # headers and body in one packet: a second one may wait for the client's word
    server: Server

    def do_GET(self) -> None:
        version = self.server.source.served.registry_version
        if self.path in ("/health", "/ping", "/version"):
            self._json(HTTPStatus.OK, {"model": {"name": self.server.source.target, "version": version}})
        elif self.path == "/metrics":
            self._send(HTTPStatus.OK, self.server.tally.text().encode(), kind="text/plain; version=0.0.4")
        else:
            self._json(HTTPStatus.NOT_FOUND, {"error": f"{self.path}: needs /invocations, /health, /metrics"})

    def do_POST(self) -> None:
        began = time.monotonic()
        status, said, images = self._predicted()
        self.server.tally.answered(status, images=images, seconds=time.monotonic() - began)
        self._json(status, said)

    def _predicted(self) -> tuple[HTTPStatus, dict[str, Any], int]:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
            self.leave_unread(int(length) if length.isdecimal() else inf)
            said = f"the request: needs a Content-Length of at most {MAX_BODY_BYTES}; nothing was predicted"
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, {"error": said}, 0
        body = self.rfile.read(int(length))
        if self.path != "/invocations":
            return HTTPStatus.NOT_FOUND, {"error": f"{self.path}: needs /invocations"}, 0
        served = self.server.source.served
        try:
            images = images_of(body, served.classifier.signature)
        except InvalidDocument as error:
            return HTTPStatus.BAD_REQUEST, {"error": str(error)}, 0
        return HTTPStatus.OK, answer(served, images, target=self.server.source.target), len(images)

    def _json(self, status: HTTPStatus, said: dict[str, Any]) -> None:
        self._send(status, json.dumps(said).encode(), kind="application/json")

    def _send(self, status: HTTPStatus, body: bytes, *, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if self.server.ending:
            self.send_header("Connection", "close")  # else a client that never pauses would be waited for
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing per request: /metrics counts."""
