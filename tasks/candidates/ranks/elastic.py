"""The ranks as torch's elastic launcher starts and watches them, for as long as somebody wants them."""

import fcntl
import logging
import os
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil
from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from tasks.candidates.ranks.documents import Place
from tasks.candidates.ranks.meeting import HERE, meeting_place

RANK = "tasks.candidates.ranks.rank"
END_S = 10.0  # for the ranks to end once nobody wants them; then they are killed


class Launched(threading.Thread):
    """The launcher, in a thread of its own: in the main one it would take the process's signals for good.

    `error` is what it raised in the end, if anything.
    """

    def __init__(self, place: Place, ranks: int) -> None:
        super().__init__(name="ranks", daemon=True)
        self._place, self._ranks = place, ranks
        self.error: BaseException | None = None

    def run(self) -> None:
        """Start the ranks and wait for all, or for the first that fails: then the others are ended."""
        # it warns of ranks left behind when signals are not its own: ours end by the lock
        logging.getLogger("torch.distributed.elastic.multiprocessing.api").setLevel(logging.ERROR)
        config = LaunchConfig(
            min_nodes=1,
            max_nodes=1,
            nproc_per_node=self._ranks,
            run_id=uuid.uuid4().hex,
            rdzv_backend=meeting_place(),
            local_addr=HERE,
            max_restarts=0,
            shutdown_timeout=int(END_S / 2),
            logs_specs=DefaultLogsSpecs(log_dir=str(self._place.directory / "launcher")),
        )
        try:  # a program, not a function: a function would come to the ranks pickled
            elastic_launch(config, sys.executable)("-P", "-m", RANK, str(self._place.directory))
        except BaseException as error:
            self.error = error

    def end(self) -> None:
        """Wait until all ranks are gone; kill what does not go."""
        if self.ident is None:
            return
        self.join(END_S)
        if self.is_alive():
            for each in psutil.Process().children():
                with suppress(psutil.Error):
                    if str(self._place.directory) in each.cmdline():
                        each.kill()
            self.join(END_S)


@contextmanager
def ranks_of(place: Place, ranks: int) -> Iterator[Launched]:
    """Have the ranks of an absorb at work; when this is left, or this process dies, they end at once."""
    lock = os.open(place.alive, os.O_RDWR | os.O_CREAT, 0o600)
    launched = Launched(place, ranks)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        launched.start()
        yield launched
    finally:
        os.close(lock)
        launched.end()
