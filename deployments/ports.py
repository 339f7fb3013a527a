"""Ports for servers on this machine: the usual one, or a free one where it is taken."""

import socket
from collections.abc import Sequence
from contextlib import ExitStack

HOST = "127.0.0.1"


def choose_ports(usual: Sequence[int]) -> list[int]:
    """Give one port for each usual one, all different: itself if it is free, else any that is."""
    with ExitStack() as held:
        return [_hold(held, port) for port in usual]


def _hold(held: ExitStack, port: int) -> int:
    """Keep the port bound until all are chosen, so that none is chosen twice."""
    probe = held.enter_context(socket.socket())
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # one that our last run left is free
    try:
        probe.bind((HOST, 0 if _answers(port) else port))
    except OSError:
        probe.bind((HOST, 0))
    return int(probe.getsockname()[1])


def _answers(port: int) -> bool:
    """Say whether somebody listens there, on all interfaces perhaps, which binding alone may not notice."""
    with socket.socket() as caller:
        caller.settimeout(0.5)
        return caller.connect_ex((HOST, port)) == 0
