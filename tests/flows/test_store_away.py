"""The store dies by kill -9 while an absorb is at work: nothing is lost, nothing is decided twice."""

import threading
import time
from collections.abc import Iterator

import pytest

from flows import watch as module
from flows.absorb import absorb
from flows.watch import watch
from tasks.contracts.journal import Attempted
from tasks.errors import TransientError
from tests.flows.conftest import World

pytestmark = [pytest.mark.chaos, pytest.mark.integration, pytest.mark.timeout(900)]


@pytest.fixture
def moto(rgw):
    """This module's world lives on Ceph RGW."""
    return rgw


@pytest.fixture
def away(rgw, world: World) -> Iterator[threading.Event]:
    """Kill the gateway as soon as an attempt is in the journal, bring it back some seconds later."""
    killed, stop = threading.Event(), threading.Event()

    def kill() -> None:
        while not stop.is_set():
            if any(isinstance(entry, Attempted) for entry in world.journal.entries()):
                rgw.control("kill")
                killed.set()
                time.sleep(6)
                rgw.control("gateway")
                return
            time.sleep(0.05)

    thread = threading.Thread(target=kill)
    thread.start()
    yield killed
    stop.set()
    thread.join()


def test_an_absorb_outlives_its_store(world: World, away: threading.Event):
    arrivals = [world.publish(number, year=2000 + number).arrival_id for number in (1, 2)]
    for _ in range(5):
        state = absorb(world.target.name, return_state=True)
        if state.is_completed():
            break
        time.sleep(2)
    assert away.is_set()
    assert state.is_completed()
    assert [decided.arrival_id for decided in world.decided()] == arrivals
    assert [decided.decision for decided in world.decided()] == ["promoted", "promoted"]
    assert world.journal.state().champion == world.decided()[1].registry_version
    assert not list((world.cache_dir / "blobs").glob(".partial-*"))


def test_a_watch_without_its_store_fails_and_the_next_one_goes_on(rgw, world: World, monkeypatch):
    asked: list[list[str]] = []
    monkeypatch.setattr(module, "trigger_absorb", lambda target, *, ready: asked.append(ready))
    arrival = world.publish(1, year=2001).arrival_id
    rgw.control("kill")
    with pytest.raises(TransientError, match="the store does not answer"):
        watch()
    rgw.control("gateway")
    watch()
    assert asked == [[arrival]]
