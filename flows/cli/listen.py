"""Listening at an address that a person named: what stands in the way is one line."""

from collections.abc import Callable
from typing import TypeVar

from tasks.errors import OperationRefused

Listening = TypeVar("Listening")


def listen(host: str, port: int, make: Callable[[], Listening]) -> Listening:
    """Make a server that listens there. Raises OperationRefused where this machine does not let it."""
    try:
        return make()
    except OSError as error:
        raise OperationRefused(
            f"{host}:{port}: cannot listen there ({error.strerror}); needs an address of this machine and a "
            "port that is free (--port 0 takes one); nothing is served"
        ) from error
