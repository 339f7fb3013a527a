"""Who writes: the signature under journal entries, unique to this process."""

import getpass
import os
import socket

from prefect.runtime import flow_run


def signed(what: str) -> str:
    """Sign as this flow run, or as the person at this machine who runs a command."""
    if flow_run.id:
        return f"{what} flow-run/{flow_run.id} {socket.gethostname()}:{os.getpid()}"
    return f"{what} {_user()}@{socket.gethostname()}:{os.getpid()}"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
