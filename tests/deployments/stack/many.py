"""What watches over many targets cost on a stack, as its worker runs them: real S3, PostgreSQL, nginx.

    python -m tests.deployments.stack.many [TARGETS [MANIFESTS]]

Every target follows a series of its own, in which all is decided. Prints a line of JSON for one watch, then
for four that share the targets: seconds of the flow runs that ended within some minutes.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
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

PATIENCE_S = 180.0
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
                say(watches=watches, **looked(since=datetime.now(UTC)))
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


def looked(*, since: datetime) -> dict[str, object]:
    """Give the seconds of the watches that began since and ended well within some minutes."""
    time.sleep(PATIENCE_S)
    api = PlainApi(os.environ["PREFECT_API_URL"])
    asked = {
        "flows": {"name": {"any_": ["watch"]}},
        "flow_runs": {
            "start_time": {"after_": since.isoformat()},
            "state": {"type": {"any_": ["COMPLETED"]}},
        },
        "limit": 200,
    }
    try:
        runs = api.ask("flow_runs/filter", asked)
    except requests.RequestException as error:
        return {"failed": str(error)}
    by_share: dict[int, list[float]] = {}
    for run in runs:
        by_share.setdefault(run["parameters"].get("share", 1), []).append(round(run["total_run_time"], 1))
    return {"seconds by share": by_share, "in_s": PATIENCE_S}


def say(**found: object) -> None:
    """Print a line."""
    sys.stdout.write(json.dumps(found) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
