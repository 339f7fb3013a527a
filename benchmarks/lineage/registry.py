"""What one absorb asks of MLflow's runs and registry when a target has 100, 1,000, 10,000 versions."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

from mlflow import MlflowClient

from benchmarks.lineage.example import a_candidate, a_decision, a_target, a_unit
from benchmarks.lineage.seeding import multiply
from benchmarks.lineage.servers import mlflow_server
from tasks.arrivals.unit import Unit
from tasks.contracts.target import Target
from tasks.registry.registry import aliases, find_version, register, set_aliases
from tasks.registry.tags import decision_tags, tag_decision
from tasks.tracking.api import connect
from tasks.tracking.logged import find_logged, log_outcome, read_logged
from tasks.tracking.runs import end_run, end_stale_runs, log_decision, log_lineage_point, open_run

SIZES = (100, 1_000, 10_000)
REPEATS = 5


def measure() -> list[dict[str, Any]]:
    """Give median milliseconds of each operation, at each size."""
    with tempfile.TemporaryDirectory() as scratch, mlflow_server(Path(scratch)) as server:
        client, target = connect(server.uri), a_target("digits-cnn")
        first = a_unit(target, index=1)
        absorb(client, first, target, {})
        version = client.get_model_version(target.name, "1")
        rows = []
        for size in SIZES:
            multiply(
                server.database,
                target=target.name,
                run_id=str(version.run_id),
                model_id=str(version.source).removeprefix("models:/"),
                until=size,
            )
            rows.append({"versions": size, "ms": _repeat(client, target, size)})
        return rows


def _repeat(client: MlflowClient, target: Target, size: int) -> dict[str, float]:
    taken: dict[str, list[float]] = {}
    for n in range(REPEATS + 1):
        unit = replace(a_unit(target, index=size + n), arrival_id=f"{size + n:064x}")
        absorb(client, unit, target, {} if n == 0 else taken)  # the first one warms caches
    medians = {name: round(median(ms), 1) for name, ms in taken.items()}
    whole = sum(medians.values())
    return medians | {"all": round(whole, 1), "all but aliases": round(whole - medians["set_aliases"], 1)}


def absorb(client: MlflowClient, unit: Unit, target: Target, taken: dict[str, list[float]]) -> None:
    """Do what one absorb does with MLflow, but for the upload of its files; book milliseconds by name."""

    def timed(name: str, do: Callable[[], Any]) -> Any:
        began_s = time.perf_counter()
        done = do()
        taken.setdefault(name, []).append(1000 * (time.perf_counter() - began_s))
        return done

    timed("end_stale_runs", lambda: end_stale_runs(client, target.name, flow_run="bench"))
    timed("find_logged", lambda: find_logged(client, unit))
    run_id = timed("open_run", lambda: open_run(client, unit, target=target, flow_run="bench", device="cpu"))
    with tempfile.TemporaryDirectory() as scratch:
        logged = log_outcome(
            client,
            run_id,
            a_candidate(),
            unit=unit,
            target=target,
            ancestors=(),
            device="cpu",
            scratch=Path(scratch),
        )
    timed("end_run", lambda: end_run(client, run_id, status="FINISHED", flow_run="bench"))
    decided = a_decision(unit, 0)
    said = decision_tags(
        decided.decision, decided.reason_code, found=decided.reason.found, needed=decided.reason.needed
    )
    version = timed("register", lambda: register(client, logged, unit=unit, expects=said))
    timed("find_version", lambda: find_version(client, unit))
    timed("aliases", lambda: aliases(client, target.name))
    previous = version - 1 or None
    timed("set_aliases", lambda: set_aliases(client, target.name, champion=version, previous=previous))
    timed("read_logged", lambda: read_logged(client, run_id))
    timed("log_decision", lambda: log_decision(client, run_id, decided, outcome=logged.outcome))
    timed("tag_decision", lambda: tag_decision(client, target.name, version=version, decided=decided))
    timed(
        "log_lineage_point",
        lambda: log_lineage_point(
            client, target.name, lineage="main", index=unit.index, gate_accuracy=0.9, test_accuracy=0.9
        ),
    )
