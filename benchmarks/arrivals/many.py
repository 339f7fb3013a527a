"""What a watch over many targets costs, alone and as one of several: `python -m benchmarks.arrivals.many`.

Every target follows a series of its own, in which all is decided; the bucket is moto's, in memory. Prefect is
the one that PREFECT_API_URL names, with the watch deployed (such as the stack's, on PostgreSQL); without one,
a server on sqlite is started. Prints a line of JSON per measurement.
"""

import argparse
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.arrivals.__main__ import MIB, free_port, full_bucket
from benchmarks.arrivals.start import EVERY_S, prefect_server, watch_once


def main() -> None:
    """Measure one watch over all, and each of several over its share."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.arrivals.many", description=__doc__)
    parser.add_argument("--targets", type=int, default=1000)
    parser.add_argument("--manifests", type=int, default=100, help="of each target")
    parser.add_argument("--shares", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--runs", type=int, default=3)
    asked = parser.parse_args()
    with full_bucket(asked.manifests, str(asked.targets)) as endpoint, _prefect() as api:
        for shares in asked.shares:
            for number in range(asked.runs):
                share = number % shares + 1
                cost = watch_once(endpoint, api, share=share, shares=shares)
                found = {
                    "targets": asked.targets,
                    "manifests": asked.targets * asked.manifests,
                    "share": f"{share} of {shares}",
                    "cpu_s": round(cost.cpu_s, 2),
                    "wall_s": round(cost.wall_s, 1),
                    "peak_mib": round(cost.peak_bytes / MIB),
                    "ends within its interval": cost.wall_s < EVERY_S,
                }
                print(json.dumps(found), flush=True)


@contextmanager
def _prefect() -> Iterator[str]:
    if named := os.environ.get("PREFECT_API_URL"):
        yield named
        return
    with prefect_server(free_port()) as api:
        yield api


if __name__ == "__main__":
    main()
