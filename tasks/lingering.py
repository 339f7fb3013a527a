"""How an HTTP server of ours closes a connection of which it left something unread."""

import socket
import time
from math import inf
from socketserver import StreamRequestHandler

SILENT_S = 2.0
LONGEST_S = 10.0
PIECE_BYTES = 64 * 1024


class Lingering(StreamRequestHandler):
    """Lets a client that still sends read the answer it got; stands before BaseHTTPRequestHandler.

    A socket that is closed with bytes unread is reset, and the reset may overtake the answer: the client, or
    the proxy before us, sees a broken connection (502) instead of what we said. So what of the body comes
    after the answer is read and thrown away, until it ends, the client closes, is silent for `SILENT_S` or
    went on for `LONGEST_S`.
    """

    close_connection: bool
    unread: float = 0  # bytes of the body

    def leave_unread(self, count: float = inf) -> None:
        """Close after this answer, since what comes next on the connection is no request.

        count: bytes of the body that were not read; infinity where nobody knows.
        """
        self.close_connection, self.unread = True, count

    def finish(self) -> None:
        """Send what is left of the answer; then wait for the client where it may still be sending."""
        if self.unread:
            self._linger()
        super().finish()

    def _linger(self) -> None:
        until = time.monotonic() + LONGEST_S
        try:
            self.connection.settimeout(SILENT_S)
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_WR)
            while self.unread > 0 and time.monotonic() < until and (piece := self.rfile.read1(PIECE_BYTES)):
                self.unread -= len(piece)
        except OSError:
            return  # gone, or silent: there is nobody left to read the answer
