"""How long after it was published a source's absorb starts, with the receiver and without it, on a stack.

    python -m tests.deployments.stack.waking 50

Prints a line of JSON for each: seconds from the end of `publish` until a flow run has taken the source. Each
source is published at a random moment of the watch's interval, when nothing is at work.
"""

import json
import os
import random
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import psutil

from tasks.contracts.journal import Attempted
from tests.deployments.chaos import invariants
from tests.deployments.chaos.play import settings_of
from tests.deployments.stack.losses import World
from tests.deployments.stack.running import Stack

INTERVAL_S = 30.0


def main(count: int) -> None:
    """Measure both on a stack of its own."""
    with tempfile.TemporaryDirectory(prefix="grasp-waking-") as directory:
        stack = Stack(Path(directory) / "stack")
        try:
            os.environ.update(settings_of(stack, "operator"))
            for name in ("with", "without"):
                if name == "without":
                    psutil.Process(stack.pid("receiver")).suspend()
                waited = [*measure(World(stack, f"waking-{name}"), count)]
                sys.stdout.write(json.dumps({"receiver": name, **figures(waited)}) + "\n")
                sys.stdout.flush()
        finally:
            psutil.Process(stack.pid("receiver")).resume()
            stack.stop()


def measure(world: World, count: int):
    """Give for each source how long it waited."""
    rng = random.Random(count)
    for number in range(count):
        invariants.check_prefect()
        time.sleep(rng.uniform(0, INTERVAL_S))
        world.publish(world.make(1, seed=number, rev=number + 1))
        published, arrival = datetime.now(UTC), list(world.sent)[-1]
        world.await_decisions()
        begun = [
            each.at
            for each in world.journal.entries()
            if isinstance(each, Attempted) and each.arrival_id == arrival
        ]
        yield (begun[0] - published).total_seconds()


def figures(waited: list[float]) -> dict[str, float]:
    """Give median, 95th percentile and greatest."""
    twentieths = statistics.quantiles(waited, n=20, method="inclusive")
    return {
        "count": len(waited),
        "p50_s": round(statistics.median(waited), 1),
        "p95_s": round(twentieths[-1], 1),
        "max_s": round(max(waited), 1),
        "load": os.getloadavg()[0],
    }


if __name__ == "__main__":
    main(int(sys.argv[1]))
