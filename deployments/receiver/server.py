"""The door at which a store knocks: POST /events, and GET /health."""

import logging
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from math import inf

from deployments.receiver.messages import Message, is_same, read_message
from deployments.receiver.rate import Rate
from tasks.errors import GraspError
from tasks.lingering import Lingering

MOST_BYTES = 256 * 1024
READ_S = 10.0  # for a body that comes drop by drop
PER_S, BURST = 200.0, 1000

log = logging.getLogger(__name__)


class Receiver(ThreadingHTTPServer):
    """Answers 204 only once Prefect has an event: what gets another answer, the store sends again."""

    daemon_threads = True

    def __init__(
        self,
        address: tuple[str, int],
        *,
        bucket: str,
        secret: str,
        emit: Callable[[int], None],
        rate: Rate | None = None,
    ) -> None:
        super().__init__(address, _Handler)
        self.bucket, self.secret, self.emit = bucket, secret, emit
        self.rate = rate or Rate(PER_S, burst=BURST)


class _Handler(Lingering, BaseHTTPRequestHandler):
    server: Receiver
    timeout = READ_S
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Say that it is there."""
        self._answer(HTTPStatus.NO_CONTENT if self.path == "/health" else HTTPStatus.NOT_FOUND)

    def do_POST(self) -> None:
        """Take a notification."""
        length = self.headers.get("Content-Length", "")
        self.unread = int(length) if length.isdecimal() else inf
        status = HTTPStatus.NOT_FOUND if self.path != "/events" else self._take()
        self._answer(status)

    def _take(self) -> HTTPStatus:
        if not self.server.rate.allows():
            return HTTPStatus.TOO_MANY_REQUESTS
        if self.unread == inf:
            return HTTPStatus.LENGTH_REQUIRED
        if self.unread > MOST_BYTES:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        given = self.headers.get("Authorization")
        if given is not None and not is_same(given.removeprefix("Bearer "), self.server.secret):
            return HTTPStatus.UNAUTHORIZED
        try:
            message = read_message(self._body(), bucket=self.server.bucket)
        except (ValueError, RecursionError):
            # without the right header nobody learns more than that
            return HTTPStatus.UNAUTHORIZED if given is None else HTTPStatus.BAD_REQUEST
        if given is None and not message.carries(self.server.secret):
            return HTTPStatus.UNAUTHORIZED
        return self._pass_on(message)

    def _body(self) -> bytes:
        body = self.rfile.read(int(self.unread))
        self.unread = 0
        return body

    def _pass_on(self, message: Message) -> HTTPStatus:
        if message.manifests == 0:
            return HTTPStatus.NO_CONTENT
        try:
            self.server.emit(message.manifests)
        except GraspError as error:
            log.warning("%s; the store sends it again", error)
            return HTTPStatus.SERVICE_UNAVAILABLE
        log.info("%d manifests: Prefect has an event", message.manifests)
        return HTTPStatus.NO_CONTENT

    def _answer(self, status: HTTPStatus) -> None:
        if status >= HTTPStatus.BAD_REQUEST:
            log.warning("%s %s: %d %s", self.command, self.path[:80].encode(), status, status.phrase)
            self.leave_unread(self.unread)
        self.send_response(status)
        if status != HTTPStatus.NO_CONTENT:
            self.send_header("Content-Length", "0")
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            self.send_header("Retry-After", "1")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Stay silent: what matters is logged above, without headers."""
