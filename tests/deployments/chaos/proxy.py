"""A small TCP proxy between clients and a door: it can cut, delay, or hold connections half open."""

import contextlib
import socket
import threading
import time

HOST = "127.0.0.1"
DELAY_S = 0.4


class Proxy:
    """Forwards a port of its own to another one. mode: open, cut, delay, half-open."""

    def __init__(self, port: int, upstream: int) -> None:
        self.port, self.upstream, self.mode = port, upstream, "open"
        self._alive: set[socket.socket] = set()
        self._listener = socket.create_server((HOST, port), backlog=128)
        threading.Thread(target=self._accept, daemon=True).start()

    def set(self, mode: str) -> None:
        """Change what happens from now on; cut ends what is open."""
        self.mode = mode
        if mode == "cut":
            for each in list(self._alive):
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.close()
        self.set("cut")

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.mode == "cut":
                client.close()
                continue
            try:
                server = socket.create_connection((HOST, self.upstream), timeout=10)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            self._alive |= {client, server}
            for ends in ((client, server), (server, client)):
                threading.Thread(target=self._carry, args=ends, daemon=True).start()

    def _carry(self, come: socket.socket, go: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := come.recv(65536):
                while self.mode == "half-open":
                    time.sleep(0.1)
                if self.mode == "delay":
                    time.sleep(DELAY_S)
                go.sendall(data)
        for each in (come, go):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
            self._alive.discard(each)
