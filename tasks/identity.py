"""Who writes: the signature under journal entries, unique to this process."""

import getpass
import os
import socket
import sys


def signed(what: str) -> str:
    """Sign as this flow run, or as the person at this machine who runs a command."""
    if flow_run := _flow_run():
        return f"{what} flow-run/{flow_run} {socket.gethostname()}:{os.getpid()}"
    return f"{what} {_user()}@{socket.gethostname()}:{os.getpid()}"


def _flow_run() -> str | None:
    """Give the id of this flow run. Without Prefect loaded it is none, and a command need not wait for it."""
    if "prefect" not in sys.modules:
        return None
    from prefect.runtime import flow_run

    return str(flow_run.id) if flow_run.id else None


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
