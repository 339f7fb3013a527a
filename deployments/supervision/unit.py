"""A unit: a server that is kept running, or a step that is done once it ended well."""

import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

HOST = "127.0.0.1"
ANSWER_S = 3.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Unit:
    """What to start, after which others, and how one sees that it is there.

    ready: None for a step, which is done when its command ended with 0; else asked until it is true.
    healthy: asked now and then once it is ready; a server that often says no is started again.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    after: tuple[str, ...] = ()
    ready: Callable[[], bool] | None = None
    healthy: Callable[[], bool] | None = None
    ends_with: int = 15
    grace_s: float = 10.0

    @property
    def is_step(self) -> bool:
        """Say whether this ends by itself."""
        return self.ready is None


@dataclass(slots=True)
class Progress:
    """How a unit stands: waiting, starting, ready, done, failed, stopped. since: when it was last started."""

    state: str = "waiting"
    pid: int | None = None
    starts: int = 0
    since: float | None = None


def listens(port: int) -> Callable[[], bool]:
    """Give a check that somebody accepts connections on a port of this machine."""
    return partial(_listens, port)


def answers(address: str) -> Callable[[], bool]:
    """Give a check that an address answers with success; certificates are not looked at."""
    return partial(_answers, address)


def _listens(port: int) -> bool:
    with socket.socket() as caller:
        caller.settimeout(ANSWER_S)
        return caller.connect_ex((HOST, port)) == 0


def _answers(address: str) -> bool:
    unchecked = ssl._create_unverified_context()  # noqa: S323  # of this machine, and nothing is sent
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=unchecked)
    )
    try:
        with opener.open(address, timeout=ANSWER_S):
            return True
    except (urllib.error.URLError, OSError):
        return False
