"""Find and end every process that carries a mark in its environment: children, theirs, and orphans.

A process tree is not enough: what a worker started belongs to nobody we know once the worker was killed.
An environment is inherited for ever.
"""

import contextlib
import os
from collections.abc import Iterator

import psutil

VARIABLE = "GRASP_DEMO_MARK"


def marked(mark: str) -> Iterator[psutil.Process]:
    """Give all living processes with this mark, this one excepted."""
    for process in psutil.process_iter():
        try:
            dead = process.status() == psutil.STATUS_ZOMBIE
            if not dead and process.pid != os.getpid() and process.environ().get(VARIABLE) == mark:
                yield process
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue  # gone, or another user's and so never ours


def end_marked(mark: str) -> None:
    """Kill all processes with this mark, and those that they start meanwhile, until none is left."""
    while found := list(marked(mark)):
        for process in found:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(found, timeout=1)
