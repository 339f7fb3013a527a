"""An S3 server for one machine that keeps what it gets: `python -m deployments.s3.server DIRECTORY --port N`.

It does what the pipeline, its publishers and a person with the aws command need, and refuses the rest:
buckets, objects, conditional writes, ranges, listings, uploads in parts; no versions, no copies, no policies.
One key pair, from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, may do everything; every request is signed.
"""

import argparse
import fcntl
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import parse_qsl, unquote

from deployments.s3.answers import Refused, bad_request, error_xml
from deployments.s3.bodies import PIECE_BYTES, body_of
from deployments.s3.messages import Answer, Request
from deployments.s3.objects import Objects
from deployments.s3.requests import answer
from deployments.s3.signature import Key, check
from deployments.s3.uploads import Uploads
from tasks.lingering import Lingering

METHODS = {"do_GET", "do_HEAD", "do_PUT", "do_POST", "do_DELETE"}
IDLE_S = 75.0  # after which a silent connection is closed


class Handler(Lingering, BaseHTTPRequestHandler):
    """Speaks HTTP; what is asked and answered is not its affair."""

    server: "Server"
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "grasp-s3", ""
    timeout = IDLE_S
    wbufsize = -1  # headers and body in one packet
    disable_nagle_algorithm = True

    def handle_expect_100(self) -> bool:
        """Ask for the body at once: the client waits for this."""
        going_on = super().handle_expect_100()
        self.wfile.flush()
        return going_on

    def log_message(self, _format: str, *args: object) -> None:
        """Leave the requests that went well out of the log."""

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Log what failed by our fault."""
        if str(code).startswith("5"):
            sys.stderr.write(f"{self.log_date_time_string()} {self.command} {self.path} {code}\n")

    def _serve(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = body_of(cast("BinaryIO", self.rfile), headers)
        try:
            given = self._asked(headers, body)
        except Refused as refused:
            given = Answer(refused.status, error_xml(refused), {"Content-Type": "application/xml"})
        self._drain(body)
        self._send(given)

    def __getattr__(self, name: str) -> Any:
        """Give one answerer to all methods that S3 has; others are refused by the base class, 501."""
        if name in METHODS:
            return self._serve
        raise AttributeError(name)

    def _asked(self, headers: dict[str, str], body: BinaryIO) -> Answer:
        check(self.server.key, self.command, self.path, headers)
        path, _, query = self.path.partition("?")
        try:
            bucket, _, key = unquote(path, errors="strict").lstrip("/").partition("/")
            options = dict(parse_qsl(query, keep_blank_values=True, errors="strict"))
        except UnicodeDecodeError:
            raise bad_request("InvalidURI", "the address is not UTF-8") from None
        request = Request(self.command, bucket, key, options, headers, body)
        return answer(request, self.server.objects, self.server.uploads)

    def _drain(self, body: BinaryIO) -> None:
        """Read what nobody read of the body: the next request stands behind it."""
        try:
            while body.read(PIECE_BYTES):
                pass
        except (Refused, OSError):
            self.leave_unread()

    def _send(self, given: Answer) -> None:
        self.send_response(given.status)
        length = given.length if given.file else len(given.body)
        for name, value in {"Content-Length": str(length), **given.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        bare = self.command == "HEAD" or given.status in (204, 304)
        if given.file is None:
            self.wfile.write(b"" if bare else given.body)
            return
        with given.file:
            left = 0 if bare else length
            while left and (piece := given.file.read(min(left, PIECE_BYTES))):
                left -= self.wfile.write(piece)
            if left:
                self.close_connection = True


class Server(ThreadingHTTPServer):
    """Holds what the handlers need."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], directory: Path, key: Key) -> None:
        self.objects, self.key = Objects(directory), key
        self.uploads = Uploads(self.objects)
        super().__init__(address, Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log a fault of ours; a client that went away is none."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


def main() -> None:
    """Serve until the process is ended, at any moment and in any way: what was answered is on the disk."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", required=True, type=int)
    given = parser.parse_args()
    try:
        key = Key(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])
    except KeyError as missing:
        sys.exit(f"s3: {missing.args[0]} is not set; nothing is served")
    given.directory.mkdir(parents=True, exist_ok=True)
    with (given.directory / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit(f"s3: another server keeps {given.directory}; stop it first")
        Server((given.host, given.port), given.directory, key).serve_forever()


if __name__ == "__main__":
    main()
