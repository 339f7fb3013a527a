"""What an idle watch costs with 1,000 to 100,000 manifests, all decided: `python -m benchmarks.arrivals`."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.arrivals.start import prefect_server, watch_once

SIZES = (1_000, 10_000, 100_000)
RESULTS = Path(__file__).parent / "results.json"
MIB = 1024 * 1024
STARTS = 3


def main() -> None:
    """Measure every size, print a table with the goals, keep the figures in results.json."""
    rows = [measured(manifests) for manifests in SIZES]
    with full_bucket(SIZES[-1]) as endpoint, prefect_server(free_port()) as api:
        costs = [watch_once(endpoint, api) for _ in range(STARTS)]
    starting = min(costs)
    found = {
        "load_average": os.getloadavg(),
        "sizes": rows,
        "watch_process": {"cpu_s": starting.cpu_s, "peak_bytes": starting.peak_bytes},
    }
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")
    show(rows)
    growth = max(row["peak_bytes"][kind] for row in rows for kind in ("full", "notices")) - min(
        row["peak_bytes"]["notices"] for row in rows
    )
    print(f"memory grows by {growth / MIB:.0f} MiB over these sizes (goal: 64 at most)")
    print(
        f"a scheduled watch at {SIZES[-1]:,} manifests, its process and Prefect included: "
        f"{starting.cpu_s:.2f} CPU s, {starting.share_of_a_core:.1%} of a core every 30 s "
        f"(goal: 10 % at most), "
        f"{starting.peak_bytes / MIB:.0f} MiB"
    )


def measured(manifests: int) -> dict[str, Any]:
    """Measure one size: listings side by side, and each kind of poll in a process of its own."""
    with full_bucket(manifests) as endpoint:
        together = poll(endpoint, "listings", 5 if manifests <= 10_000 else 2)
        alone = {kind: poll(endpoint, kind, 1) for kind in ("nothing", "notices", "full")}
    return {
        "manifests": manifests,
        "kinds": together["kinds"] | alone["notices"]["kinds"],
        "peak_bytes": {kind: found["peak_bytes"] for kind, found in alone.items()},
    }


def show(rows: list[dict[str, Any]]) -> None:
    """Print the table."""
    print(
        f"{'manifests':>9} | {'bare listing':>16} | {'held against the journal':>24} | "
        f"{'whole full poll':>20} | {'poll by notices':>16} | peak MiB (nothing, notices, full)"
    )
    for row in rows:
        kinds, bare = row["kinds"], row["kinds"]["bare"]
        cells = [f"{bare['requests']:>4} req {bare['cpu_s']:6.3f} s"]
        cells += [
            f"{kinds[kind]['requests']:>4} req {kinds[kind]['cpu_s'] / bare['cpu_s']:5.2f} x"
            for kind in ("compare", "full")
        ]
        cells.append(f"{kinds['notices']['requests']:>4} req {kinds['notices']['cpu_s']:6.3f} s")
        peaks = ", ".join(f"{peak / MIB:.0f}" for peak in row["peak_bytes"].values())
        widths = (16, 24, 20, 16)
        middle = " | ".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True))
        print(f"{row['manifests']:>9,} | {middle} | {peaks}")


def poll(endpoint: str, kind: str, times: int) -> dict[str, Any]:
    """Run one measurement in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.arrivals.poll", endpoint, kind, str(times)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@contextmanager
def full_bucket(manifests: int) -> Iterator[str]:
    """Serve a bucket of so many manifests; gives the endpoint."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.arrivals.server", str(port), str(manifests), "listed"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    endpoint = f"http://127.0.0.1:{port}"
    try:
        while True:
            try:
                urllib.request.urlopen(endpoint, timeout=5)
                break
            except urllib.error.HTTPError:
                break
            except OSError:
                if server.poll() is not None:
                    raise
                time.sleep(0.2)
        yield endpoint
    finally:
        server.kill()
        server.wait()


def free_port() -> int:
    """Find a port that is free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    main()
