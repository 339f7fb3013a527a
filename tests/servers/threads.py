"""HTTP servers that a test runs in a thread of its own."""

import socketserver
import threading


def in_background(server: socketserver.BaseServer) -> None:
    """Serve from a thread until `shutdown`, which then waits 20 ms at most, not half a second."""
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
