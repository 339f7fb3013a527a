"""A bell that is rung a thousand times rings now and then, and never too seldom for the watch to see all."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from deployments.receiver.bell import WINDOW_S, Bell
from tasks.errors import OrchestrationUnavailable

PREFECT = Path(__file__).parents[3] / "deployments/prefect.yaml"
AWAY = OrchestrationUnavailable("the Prefect API did not answer")


class Emitted:
    """Takes events, one after the other when `goes` is set, and has a clock that tests move."""

    def __init__(self) -> None:
        self.told: list[int] = []
        self.now, self.fails = 0.0, False
        self.tries = self.asked = 0
        self.begun, self.goes = threading.Event(), threading.Event()
        self.goes.set()

    def clock(self) -> float:
        self.asked += 1
        return self.now

    def __call__(self, manifests: int) -> None:
        self.tries += 1
        self.begun.set()
        assert self.goes.wait(20)
        if self.fails:
            raise AWAY
        self.told.append(manifests)


@pytest.fixture
def emitted() -> Emitted:
    return Emitted()


@pytest.fixture
def bell(emitted: Emitted) -> Bell:
    return Bell(emitted, clock=emitted.clock)


def test_manifests_that_the_watch_of_an_event_sees_make_no_other(bell: Bell, emitted: Emitted):
    for at in (0.0, 0.1, WINDOW_S - 0.01, WINDOW_S, WINDOW_S + 0.1, 2 * WINDOW_S):
        emitted.now = at
        bell.ring(1)
    assert emitted.told == [1, 1, 1]


def test_a_failed_event_covers_nobody(bell: Bell, emitted: Emitted):
    emitted.fails = True
    with pytest.raises(OrchestrationUnavailable):
        bell.ring(1)
    emitted.fails, emitted.now = False, 0.1
    bell.ring(2)
    assert emitted.told == [2]


@pytest.mark.parametrize("took_s", [0.5, WINDOW_S + 1])
def test_those_who_came_while_an_event_was_sent_share_one(bell: Bell, emitted: Emitted, took_s: float):
    """Those within the window share the one under way, those after it the next."""
    emitted.goes.clear()
    with ThreadPoolExecutor(9) as pool:
        rings = [pool.submit(bell.ring, 1)]
        assert emitted.begun.wait(20)
        emitted.now = took_s
        came = threading.Barrier(9)
        rings += [pool.submit(lambda: (came.wait(20), bell.ring(1))) for _ in range(8)]
        came.wait(20)
        emitted.goes.set()
        for ring in rings:
            ring.result(20)
    assert emitted.told == [1] * (1 if took_s < WINDOW_S else 2)


def test_those_who_wait_share_a_failure(bell: Bell, emitted: Emitted):
    emitted.fails = True
    emitted.goes.clear()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(bell.ring, 1)
        assert emitted.begun.wait(20)
        asked, second = emitted.asked, pool.submit(bell.ring, 1)
        while emitted.asked == asked:  # when it came
            time.sleep(0.01)
        emitted.now = 10.0  # Prefect's patience
        emitted.goes.set()
        assert isinstance(first.exception(20), OrchestrationUnavailable)
        assert isinstance(second.exception(20), OrchestrationUnavailable)
    assert emitted.tries == 1


def test_the_window_fits_the_trigger_of_the_watch():
    """An event after a window starts a watch of its own; none starts before the window of another ends."""
    [watch] = [each for each in yaml.safe_load(PREFECT.read_text())["deployments"] if each["name"] == "watch"]
    [trigger] = watch["triggers"]
    assert trigger["within"] < WINDOW_S
    assert trigger["within"] + WINDOW_S <= trigger["schedule_after"]
