"""Where ranks meet: a store of torch's that listens on loopback only, at a port that the system chose.

The launcher's usual meeting place for machines that come and go (c10d) keeps its state pickled in a store
that listens on every address; its static one needs a port that is free in advance.
"""

import socket

from torch.distributed import TCPStore  # type: ignore[attr-defined]
from torch.distributed.elastic.rendezvous import (
    RendezvousHandler,
    RendezvousInfo,
    RendezvousParameters,
    rendezvous_handler_registry,
)
from torch.distributed.elastic.rendezvous.static_tcp_rendezvous import StaticTCPRendezvous

HERE = "127.0.0.1"
BACKEND = "grasp-loopback"
TIMEOUT_S = 900


class Loopback(StaticTCPRendezvous):
    """One machine, and ranks that are all started at once."""

    def get_backend(self) -> str:
        """Name its kind."""
        return BACKEND

    def next_rendezvous(self) -> RendezvousInfo:
        """Open the store; ranks are told its port."""
        if self._store is None:
            listening = socket.create_server((HERE, 0))
            self.master_port = listening.getsockname()[1]
            self._store = TCPStore(
                HERE,
                self.master_port,
                self.world_size,
                is_master=True,
                timeout=self.timeout,
                wait_for_workers=False,
                master_listen_fd=listening.detach(),
            )
        return super().next_rendezvous()


def meeting_place() -> str:
    """Make the place known to torch's launcher; give the name of its kind."""
    rendezvous_handler_registry.register(BACKEND, _opened)  # again is no error
    return BACKEND


def _opened(given: RendezvousParameters) -> RendezvousHandler:
    return Loopback(HERE, 0, 0, given.max_nodes, given.run_id, TIMEOUT_S)
