"""Serves the newest look at /metrics; looking goes on beside it, so that no scrape waits for the bucket."""

import logging
import threading
from types import TracebackType
from typing import Self

from prometheus_client import CollectorRegistry, start_http_server

from tasks.operations.metrics.exposition import Exposition
from tasks.operations.metrics.look import Observer

log = logging.getLogger(__name__)


class Endpoint:
    """An HTTP server for Prometheus; a context manager that closes it."""

    def __init__(self, observer: Observer, *, host: str, port: int) -> None:
        self._observer, self._exposition = observer, Exposition()
        registry = CollectorRegistry()
        registry.register(self._exposition)
        self._server, self._thread = start_http_server(port, addr=host, registry=registry)
        self.address = f"http://{host}:{self._server.server_port}/metrics"

    def follow(self, stop: threading.Event, *, every_s: float) -> None:
        """Look until told to stop."""
        while True:
            try:
                self._exposition.facts = self._observer.look()
            except Exception:  # a fault of ours: the next look may do better, and silence is an alert
                log.exception("the look failed")
                self._exposition.facts = None
            if stop.wait(every_s):
                return

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
