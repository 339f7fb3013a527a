"""A client that goes on sending its body when it already has the answer."""

import http.client
import socket


def sent_after_the_answer(port: int, path: str, *, body_bytes: int, head: str = "") -> tuple[int, bytes]:
    """POST as many bytes as said, but only once the answer is there. head: instead of the body's length.

    Returns: the status, and what came after the answer.
    Raises ConnectionError: the server closed over the body.
    """
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        head = head or f"Content-Length: {body_bytes}"
        connection.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\n".encode())
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        answer.read()
        connection.sendall(bytes(body_bytes))
        connection.shutdown(socket.SHUT_WR)
        return answer.status, connection.recv(1)
