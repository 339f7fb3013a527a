"""Ranks meet where no other machine can come, and no stranger's bytes are unpickled there."""

import sys

import psutil
from torch.distributed import TCPStore
from torch.distributed.elastic.rendezvous import RendezvousParameters, rendezvous_handler_registry

from tasks.candidates.ranks.meeting import HERE, meeting_place


def test_ranks_meet_on_loopback_at_a_port_of_the_systems_choice_without_pickles():
    unpickled: list[object] = []
    sys.addaudithook(lambda event, given: unpickled.append(given) if event == "pickle.find_class" else None)
    before = listening()
    given = RendezvousParameters(
        backend=meeting_place(), endpoint="", run_id="r", min_nodes=1, max_nodes=1, local_addr=HERE
    )
    place = rendezvous_handler_registry.create_handler(given)
    told = place.next_rendezvous()
    assert (told.rank, told.world_size) == (0, 1)
    port = told.bootstrap_store_info.master_port
    assert listening() - before == {(HERE, port)}
    TCPStore(HERE, port, is_master=False).set("word", "heard")
    assert told.store.underlying_store.get("word") == b"heard"
    assert unpickled == []
    assert meeting_place() == given.backend  # a second absorb of the process


def listening() -> set[tuple[str, int]]:
    return {
        (each.laddr.ip, each.laddr.port)
        for each in psutil.Process().net_connections()
        if each.status == psutil.CONN_LISTEN
    }
