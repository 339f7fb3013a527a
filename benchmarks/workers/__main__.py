"""Twenty targets on one bucket and several workers: throughput, fairness, waiting, and Prefect's rows.

    python -m benchmarks.workers --targets 20 --workers 1 4

CPU workers stand in for GPUs (`--device cpu`), so cores bound what can be gained. Real servers: moto,
MLflow, Prefect on sqlite.
"""

import argparse
import json
import os
import sqlite3
import statistics
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from benchmarks.workers.scene import PATIENCE_S, staged
from tasks.contracts.journal import Attempted, Decided
from tasks.journal.log import Journal

TABLES = (
    *("flow_run", "flow_run_state", "task_run", "task_run_state"),
    *("events", "event_resources", "log", "artifact"),
)


def main() -> None:
    """Measure each number of workers in servers of its own; print one line of JSON for each."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.workers", description=__doc__)
    parser.add_argument("--targets", type=int, default=20)
    parser.add_argument("--sources", type=int, default=1)
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2, 4])
    asked = parser.parse_args()
    for workers in asked.workers:
        with tempfile.TemporaryDirectory(prefix="grasp-workers-") as directory:
            found = measure(Path(directory), targets=asked.targets, sources=asked.sources, workers=workers)
        print(json.dumps({**found, "load_average": os.getloadavg()[0], "cores": os.cpu_count()}), flush=True)


def measure(directory: Path, *, targets: int, sources: int, workers: int) -> dict[str, object]:
    """Publish to all targets at once, wait until each has decided all, look at the journals."""
    with staged(directory, workers=workers) as scene:
        store, children = scene.store, scene.children
        names = [scene.first.name, *(f"target-{number:02}" for number in range(1, targets))]
        for name in names[1:]:
            scene.create(name)
        scene.publish(sources)
        began, rows_before = time.monotonic(), rows(directory)
        scene.watch()
        decided = 0
        while decided < targets * sources:
            children.check()
            if time.monotonic() - began > PATIENCE_S:
                raise TimeoutError(f"{decided} of {targets * sources} decided")
            time.sleep(5)
            decided = sum(len(Journal(store, name, by="look").state().closed) for name in names)
        took = time.monotonic() - began
        seen = [facts(Journal(store, name, by="look")) for name in names]
        gained = {name: count - rows_before.get(name, 0) for name, count in rows(directory).items()}
        return {
            "workers": workers,
            "targets": targets,
            "sources": targets * sources,
            "seconds": round(took, 1),
            "a_minute": round(60 * targets * sources / took, 2),
            "runs": sum(each.runs for each in seen),
            "taken_back": sum(each.taken_back for each in seen),
            "attempt_to_decision_s": summary([s for each in seen for s in each.seconds]),
            "first_attempt_s": spread([each.first for each in seen]),
            "watches": gained.pop("watches"),
            "rows": gained,
        }


class Facts(NamedTuple):
    """What a target's journal says of its attempts. first: when the first began, in seconds of the epoch."""

    runs: int
    seconds: list[float]
    first: float
    taken_back: int


def facts(journal: Journal) -> Facts:
    """Read what a target's journal says of its attempts."""
    begun: dict[str, datetime] = {}
    runs, seconds, taken_back = set[str](), list[float](), 0
    first: datetime | None = None
    for entry in journal.entries():
        if isinstance(entry, Attempted):
            begun[entry.arrival_id], first = entry.at, first or entry.at
            runs.add(entry.flow_run)
        elif isinstance(entry, Decided):
            seconds.append((entry.at - begun[entry.arrival_id]).total_seconds())
        taken_back += entry.kind == "requeued"
    at = first.timestamp() if first else 0.0
    return Facts(len(runs), seconds, at, taken_back)


def summary(values: list[float]) -> dict[str, float]:
    """Give median and greatest."""
    return {"median": round(statistics.median(values), 2), "max": round(max(values), 2)}


def spread(moments: list[float]) -> dict[str, float]:
    """Give how long after the first target's first attempt the others' came."""
    late = sorted(moment - min(moments) for moment in moments)
    return {"median": round(statistics.median(late), 1), "last": round(late[-1], 1)}


def rows(directory: Path) -> dict[str, int]:
    """Count the rows of Prefect's database."""
    (database,) = directory.glob("prefect/**/prefect.db")
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=60) as found:
        have = {name for (name,) in found.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        counts = {
            table: found.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0]
            for table in TABLES
            if table in have
        }
        watches = found.execute("SELECT COUNT(*) FROM flow_run WHERE name = 'watch'").fetchone()[0]
    return {**counts, "watches": watches}


if __name__ == "__main__":
    main()
