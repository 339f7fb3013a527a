"""Arrivals and GPUs as discrete events: sources come, a watch sees them, runs queue for GPUs and absorb.

The rules are the pipeline's: a run takes all that is ready of its target, one run per target, first come
first served.
"""

import heapq
import random
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

DAY_S = 86_400.0


class World(NamedTuple):
    """What is simulated. absorb_s: mean GPU seconds of one source; skew: of targets' rates, 0: all alike."""

    arrivals_a_day: float
    targets: int
    gpus: int
    absorb_s: float
    days: float = 3.0
    watch_every_s: float = 30.0
    run_start_s: float = 13.0
    skew: float = 1.0
    burst: int = 1  # sources that are published together


class Outcome(NamedTuple):
    """What came of it. waits_s: from publication to decision, sorted; busy: share of GPU time that worked."""

    absorbed: int
    runs: int
    waits_s: list[float]
    busy: float
    longest_queue: int
    open_at_end: int

    def wait(self, share: float) -> float:
        """Give a quantile of the waits."""
        return self.waits_s[min(int(share * len(self.waits_s)), len(self.waits_s) - 1)]


def simulate(world: World, *, seed: int) -> Outcome:
    """Run the days; sources that are still open in the end are counted, not waited for."""
    rng = random.Random(seed)
    ready: list[deque[float]] = [deque() for _ in range(world.targets)]
    queue: deque[int] = deque()
    has_run = [False] * world.targets
    events = list(_arrivals(world, rng))
    heapq.heapify(events)
    free, waits, runs, busy, longest = world.gpus, list[float](), 0, 0.0, 0
    end = world.days * DAY_S
    while events and events[0][0] <= end:
        now, kind, target = heapq.heappop(events)
        if kind == _PUBLISHED:
            ready[target].append(now)
            if not has_run[target]:  # the next watch starts one
                has_run[target] = True
                heapq.heappush(events, (now + rng.uniform(0, world.watch_every_s), _QUEUED, target))
        elif kind == _QUEUED:
            queue.append(target)
            longest = max(longest, len(queue))
        elif ready[target]:  # _DONE, with more to do: the run goes on
            waits, busy = _absorb(events, ready[target], waits, now, busy, target, world, rng)
        else:
            has_run[target], free = False, free + 1
        while free and queue:
            chosen, free, runs = queue.popleft(), free - 1, runs + 1
            heapq.heappush(events, (now + world.run_start_s, _DONE, chosen))
            busy += world.run_start_s
    open_ = sum(map(len, ready))
    return Outcome(len(waits), runs, sorted(waits) or [0.0], busy / (world.gpus * end), longest, open_)


_PUBLISHED, _QUEUED, _DONE = range(3)
Event = tuple[float, int, int]


def _absorb(
    events: list[Event],
    ready: deque[float],
    waits: list[float],
    now: float,
    busy: float,
    target: int,
    world: World,
    rng: random.Random,
) -> tuple[list[float], float]:
    """Absorb one source of a target; its times are spread by half around the mean, never below a fifth."""
    takes = max(0.2 * world.absorb_s, rng.gauss(world.absorb_s, 0.5 * world.absorb_s))
    waits.append(now + takes - ready.popleft())
    heapq.heappush(events, (now + takes, _DONE, target))
    return waits, busy + takes


def _arrivals(world: World, rng: random.Random) -> Iterator[Event]:
    """Give publications as a Poisson stream of bursts; target k's rate falls as 1 / (k + 1) ** skew."""
    weights = [1.0 / (rank + 1) ** world.skew for rank in range(world.targets)]
    rate = world.arrivals_a_day / world.burst / DAY_S
    now = rng.expovariate(rate)
    times: list[float] = []
    while now <= world.days * DAY_S:
        times.append(now)
        now += rng.expovariate(rate)
    for at, target in zip(times, rng.choices(range(world.targets), weights, k=len(times)), strict=True):
        yield from ((at, _PUBLISHED, target) for _ in range(world.burst))
