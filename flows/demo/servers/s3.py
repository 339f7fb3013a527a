"""moto's S3 server, one request at a time: `python -m flows.demo.servers.s3 --host HOST --port PORT`.

moto looks whether a key is taken and then writes it; with its own server two writers can do that at once,
and both create one object.
"""

import argparse
import threading
from collections.abc import Iterable
from io import BytesIO
from typing import TYPE_CHECKING

from moto.moto_server.werkzeug_app import MotoRequestHandler, create_backend_app
from werkzeug.serving import run_simple

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class OneAtATime:
    """A WSGI application that answers one request after the other, each once its body is there."""

    def __init__(self, application: "WSGIApplication") -> None:
        self._application, self._lock = application, threading.Lock()

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Wait for the body without holding up anyone, then for one's turn."""
        if length := environ.get("CONTENT_LENGTH"):
            environ["wsgi.input"] = BytesIO(environ["wsgi.input"].read(int(length)))
        with self._lock:
            return self._application(environ, start_response)


def main() -> None:
    """Serve until the process is ended; everything is in memory, credentials are not checked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", required=True, type=int)
    given = parser.parse_args()
    s3 = create_backend_app("s3")  # alone: its dispatcher looks through the folders of all services
    run_simple(given.host, given.port, OneAtATime(s3), threaded=True, request_handler=MotoRequestHandler)


if __name__ == "__main__":
    main()
