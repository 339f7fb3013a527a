"""How an HTTP server of ours closes a connection of which it left something unread."""

import socket
import time
from socketserver import StreamRequestHandler

SILENT_S = 2.0
LONGEST_S = 10.0
PIECE_BYTES = 64 * 1024


class Lingering(StreamRequestHandler):
    """Lets a client that still sends read the answer it got; stands before BaseHTTPRequestHandler.

    A socket that is closed with bytes unread is reset, and the reset may overtake the answer: the client, or
    the proxy before us, sees a broken connection (502) instead of what we said. So what still comes after the
    answer is read and thrown away, until the client closes, is silent for `SILENT_S` or went on for
    `LONGEST_S`.
    """

    close_connection: bool
    leaves_unread = False

    def leave_unread(self) -> None:
        """Close after this answer, since what comes next on the connection is no request."""
        self.close_connection = self.leaves_unread = True

    def finish(self) -> None:
        """Send what is left of the answer; then wait for the client where it may still be sending."""
        super().finish()
        if self.leaves_unread:
            _linger(self.connection)


def _linger(connection: socket.socket) -> None:
    until = time.monotonic() + LONGEST_S
    connection.settimeout(SILENT_S)
    try:
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(PIECE_BYTES) and time.monotonic() < until:
            pass
    except OSError:
        return  # gone, or silent: there is nobody left to read the answer
