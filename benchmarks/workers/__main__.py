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
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from deployments.workers import on_device, worker_command
from flows.demo import story
from flows.demo.servers import deploy, services
from flows.demo.servers.addresses import Addresses, environment_of, settings_of
from flows.demo.servers.processes import Children
from flows.demo.sources import train_sources
from flows.demo.world import create_world, publish_source
from tasks.bucket.store import Store
from tasks.contracts.journal import Attempted, Decided
from tasks.journal.log import Journal
from tasks.journal.targets import create_target

PATIENCE_S = 3600.0
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
    addresses = Addresses.choose()
    environment = environment_of(addresses, directory)
    with Children(logs=directory, environment=environment) as children:
        services.start_servers(children, addresses, directory)
        services.await_s3(children, addresses)
        store = Store.from_settings(settings_of(addresses, directory))
        store.create_bucket()
        first = create_world(store, seed=0)
        names = [first.name, *(f"target-{number:02}" for number in range(1, targets))]
        for name in names[1:]:
            create_target(store, first.model_copy(update={"name": name}))
        services.await_prefect(children, addresses)
        services.await_mlflow(children, addresses)
        limit = [sys.executable, "-m", "deployments.bootstrap", "--gpu-limit", str(workers)]
        children.run("bootstrap", limit, cwd=directory / "bootstrap", timeout_s=PATIENCE_S)
        deploy.deploy(children, directory)
        for trained in train_sources(story.IN_TIME[:sources], directory / "sources", seed=0):
            publish_source(store, trained)
        options, _ = on_device("gpu", "cpu")
        for number in range(workers):
            command = [*worker_command("gpu"), *options[:-1], f"worker-{number}"]
            children.keep(f"worker-gpu-{number}", command, cwd=directory / f"worker-gpu-{number}")
        began, rows_before = time.monotonic(), rows(directory)
        children.keep("worker-cpu", worker_command("cpu"), cwd=directory / "worker-cpu")
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
