"""Many sources through a stack: do time, memory, open files, disk and rows per absorb stay as they were?

    python -m tests.deployments.stack.soaking 1000

Publishes 25 at a time, and prints a line of JSON for each 25: what an absorb took, and what the stack's
processes hold once nothing is at work. The last line compares the last tenth with the second one.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from deployments.stack.programs import program
from deployments.supervision.state import status_of
from deployments.supervision.unit import HOST
from tasks.contracts.journal import Attempted, Decided
from tests.deployments.chaos import invariants
from tests.deployments.chaos.play import settings_of
from tests.deployments.stack.losses import World
from tests.deployments.stack.running import Stack

BATCH = 25
MIB = 2**20
ROWS = """SELECT sum((xpath('/row/c/text()', query_to_xml(
    format('SELECT count(*) AS c FROM %I.%I', schemaname, relname), false, true, '')))[1]::text::int)
    FROM pg_stat_user_tables"""
Figures = dict[str, float]


def main(count: int) -> None:
    """Run on a stack of its own, and print what was seen."""
    with tempfile.TemporaryDirectory(prefix="grasp-soak-") as directory:
        stack = Stack(Path(directory) / "stack")
        try:
            os.environ.update(settings_of(stack, "operator"))
            soak(stack, count, tell=_tell)
        finally:
            stack.stop()


def soak(stack: Stack, count: int, *, tell: Callable[[Figures], object]) -> Figures:
    """Absorb so many sources; gives the last figures over those of the second tenth."""
    world, seen = World(stack, "soak"), []
    for number in range(count // BATCH):
        rows, disk, seq = _rows(stack), _disk(stack), world.journal.state().seq
        with _peak(stack) as peak:
            world.publish(
                [
                    world.make(1, seed=number * BATCH + each, rev=number * BATCH + each + 1)[0]
                    for each in range(BATCH)
                ]
            )
            world.await_decisions()
            invariants.check_prefect()
        found = {
            "sources": (number + 1) * BATCH,
            "absorb_s": _absorb_s(world, after=seq),
            "run_peak_mib": peak[0],
            "rows_per_absorb": (_rows(stack) - rows) / BATCH,
            "disk_mib_per_absorb": (_disk(stack) - disk) / BATCH,
            **_held(stack),
            "load": os.getloadavg()[0],
        }
        tell(found)
        seen.append(found)
    tenth = max(1, len(seen) // 10)
    first, last = seen[tenth : 2 * tenth], seen[-tenth:]
    ratios = {
        name: round(_mean(last, name) / (_mean(first, name) or 1), 2)
        for name in seen[0]
        if name not in ("sources", "load")
    }
    tell(ratios)
    return ratios


def _tell(found: Figures) -> None:
    sys.stdout.write(json.dumps(found) + "\n")
    sys.stdout.flush()


def _mean(several: list[Figures], name: str) -> float:
    return statistics.mean(each[name] for each in several)


def _absorb_s(world: World, *, after: int) -> float:
    begun, took = {}, []
    for entry in world.journal.entries(after=after):
        if isinstance(entry, Attempted):
            begun[entry.arrival_id] = entry.at
        elif isinstance(entry, Decided):
            took.append((entry.at - begun[entry.arrival_id]).total_seconds())
    return round(statistics.median(took), 2)


def _rows(stack: Stack) -> int:
    """Count the rows of Prefect's and MLflow's databases."""
    return sum(int(_ask(stack, database, ROWS)) for database in ("prefect", "mlflow"))


def _ask(stack: Stack, database: str, statement: str) -> str:
    port, password = str(stack.layout.ports.postgres), stack.layout.secrets.postgres
    command = [program("psql"), "-h", HOST, "-p", port, "-U", "postgres", "-d", database, "-qtAXc", statement]
    environment = {**os.environ, "PGPASSWORD": password}
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.strip()


def _disk(stack: Stack) -> float:
    """Give what lies on disk, in MiB: the store, the databases, caches, logs."""
    said = subprocess.run(
        ["du", "-s", "-B1", str(stack.directory)], check=False, capture_output=True, text=True
    )
    return round(int(said.stdout.split()[0]) / MIB, 1)


def _held(stack: Stack) -> Figures:
    """Give memory and open files of servers and workers without the flow runs; PostgreSQL's files apart.

    Each process of PostgreSQL keeps up to 1,000 files open that it may need again.
    """
    memory, files, of_postgres = 0, 0, 0
    for name, progress in status_of(stack.directory).units.items():
        with suppress(psutil.Error):
            process = psutil.Process(progress.pid or 0)
            for each in (process, *process.children(recursive=True)):
                if "prefect.engine" in each.cmdline():
                    continue
                held = each.memory_info()
                memory += held.rss - held.shared
                if name == "postgres":
                    of_postgres += each.num_fds()
                else:
                    files += each.num_fds()
    return {"memory_mib": round(memory / MIB), "open_files": files, "postgres_files": of_postgres}


@contextmanager
def _peak(stack: Stack) -> Iterator[list[float]]:
    """Watch how much memory a flow run takes, and give the most."""
    peak, over = [0.0], threading.Event()

    def watch() -> None:
        while not over.wait(0.5):
            with suppress(psutil.Error):
                for each in psutil.Process(stack.pid("worker-gpu")).children(recursive=True):
                    if "prefect.engine" in each.cmdline():
                        peak[0] = max(peak[0], round(each.memory_info().rss / MIB))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield peak
    finally:
        over.set()
        thread.join()


if __name__ == "__main__":
    main(int(sys.argv[1]))
