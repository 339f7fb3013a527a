"""A rank does not outlive the process of its absorb, however that dies."""

import fcntl
import multiprocessing
import os
import time
from pathlib import Path

from tasks.candidates.ranks.documents import Place
from tasks.candidates.ranks.rank import _end_with

FORK = multiprocessing.get_context("fork")


def hold(place: Place, held) -> None:
    """What ranks_of does in the process of an absorb."""
    lock = os.open(place.alive, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    held.set()
    time.sleep(600)


def test_a_rank_ends_when_the_process_of_its_absorb_is_killed(tmp_path: Path):
    place, held = Place(tmp_path), FORK.Event()
    absorb = FORK.Process(target=hold, args=(place, held))
    rank = FORK.Process(target=_end_with, args=(place,))
    absorb.start()
    assert held.wait(timeout=60)
    rank.start()
    rank.join(timeout=0.5)
    assert rank.is_alive()
    absorb.kill()
    rank.join(timeout=60)
    absorb.join()
    assert rank.exitcode == 1
