"""What watches over many targets cost on a stack, as its worker runs them: real S3, PostgreSQL, nginx.

    python -m tests.deployments.stack.many [TARGETS [MANIFESTS]]

Every target follows a series of its own, in which all is decided. Prints a line of JSON for one watch, then
for four that share the targets: seconds of their flow runs, once each has ended two.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import requests

from benchmarks.arrivals.world import objects
from deployments.stack.environment import whole
from deployments.stack.parts.buckets import client_of, settings_of
from tasks.contracts import keys
from tasks.orchestration.plain import PlainApi
from tests.deployments.stack.running import Stack

PATIENCE_S = 900.0
ASK_S = 15.0
GRASP = [sys.executable, "-c", "from flows.cli.app import main; main()"]


def main(targets: int = 300, manifests: int = 20) -> None:
    """Fill the bucket, let watches run, say what they took."""
    with tempfile.TemporaryDirectory(prefix="grasp-many-") as directory:
        stack = Stack(Path(directory) / "stack")
        environment = {**os.environ, **whole(stack.layout, "operator")}
        os.environ.update(environment)
        try:
            began = time.monotonic()
            fill(stack, many(targets, manifests))
            say(targets=targets, manifests=targets * manifests, filled_s=round(time.monotonic() - began))
            for watches in (1, 4):
                subprocess.run([*GRASP, "deploy", "--watches", str(watches)], env=environment, check=True)
                say(watches=watches, **looked(watches, since=datetime.now(UTC)))
        finally:
            stack.stop()


def many(targets: int, manifests: int) -> Iterator[tuple[str, bytes]]:
    """Give every object of a bucket with so many targets, each with a series of so many manifests."""
    for number in range(targets):
        yield from objects(manifests, listed=True, name=f"target-{number}", series=f"series-{number}")


def fill(stack: Stack, wanted: Iterable[tuple[str, bytes]]) -> None:
    """Put objects into the pipeline's bucket, many at a time; no notices, for nothing is new."""
    client = client_of(settings_of(stack.layout, "owner"))
    left = ((key, body) for key, body in wanted if not key.startswith(keys.NOTICES))
    with ThreadPoolExecutor(16) as pool:
        while some := list(islice(left, 2000)):
            list(pool.map(lambda item: client.put_object(Bucket="grasp", Key=item[0], Body=item[1]), some))


def looked(watches: int, *, since: datetime) -> dict[str, object]:
    """Give the seconds of the watches that began since and ended: two of each share, or what came in time."""
    began = time.monotonic()
    ended: dict[int, list[float]] = {}
    while time.monotonic() < began + PATIENCE_S:
        time.sleep(ASK_S)
        with suppress(requests.RequestException):  # asked again
            ended = seconds_by_share(watches, since=since)
        if len(ended) == watches and all(len(each) > 1 for each in ended.values()):
            break
    return {"seconds by share": ended, "in_s": round(time.monotonic() - began)}


def seconds_by_share(watches: int, *, since: datetime) -> dict[int, list[float]]:
    """Ask Prefect how long the watches took that began since and ended, where so many shared the targets."""
    asked = {
        "flows": {"name": {"any_": ["watch"]}},
        "flow_runs": {
            "start_time": {"after_": since.isoformat()},
            "state": {"type": {"any_": ["COMPLETED"]}},
        },
        "limit": 200,
    }
    by_share: dict[int, list[float]] = {}
    for run in PlainApi(os.environ["PREFECT_API_URL"]).ask("flow_runs/filter", asked):
        if run["parameters"].get("shares", 1) == watches:
            share = run["parameters"].get("share", 1)
            by_share.setdefault(share, []).append(round(run["total_run_time"], 1))
    return by_share


def say(**found: object) -> None:
    """Print a line."""
    sys.stdout.write(json.dumps(found) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
