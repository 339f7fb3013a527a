"""From "flow run created" to "first epoch done" on a warm worker: `python -m benchmarks.workers.startup`.

Each run has a target of its own, for which a source is ready; the moments are those that Prefect's server
wrote down. Baseline: `python -c "import prefect, torch"`, in turns with the runs.
Real servers: moto, MLflow, Prefect on sqlite; the worker looks every two seconds.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import requests

from benchmarks.workers.scene import Scene, staged
from tasks.orchestration.plain import PlainApi

PATIENCE_S = 600.0
PHASES = ("waits for the worker", "process starts", "imports and reads", "fetches, looks, trains an epoch")


def main() -> None:
    """Measure; print one line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.workers.startup", description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="grasp-startup-") as directory:
        print(json.dumps(measure(Path(directory), runs=asked.runs)))


def measure(directory: Path, *, runs: int) -> dict[str, Any]:
    """Start so many absorbs one after the other; give seconds, and what they are over the baseline."""
    with staged(directory, workers=1) as scene:
        scene.watch()
        scene.publish(1)
        found, baseline = [], []
        for name in [scene.first.name, *(f"target-{number:02}" for number in range(runs))]:
            found.append(phases(scene, name))
            baseline.append(imports())
    del found[0], baseline[0]  # they warmed the caches up
    taken = [sum(each[1:]) for each in found]
    return {
        **{phase: spread(list(each)) for phase, each in zip(PHASES, zip(*found, strict=True), strict=True)},
        "created to first epoch": spread([sum(each) for each in found]),
        "taken to first epoch": spread(taken),
        "import prefect, torch": spread(baseline),
        "taken to first epoch over import": round(statistics.median(taken) / statistics.median(baseline), 2),
    }


def imports() -> float:
    """Give the seconds of a process that imports what every absorb has to."""
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", "import prefect, torch"], check=True)
    return time.monotonic() - began


def spread(values: list[float]) -> dict[str, float]:
    """Give median, least and greatest."""
    return {
        "median": round(statistics.median(values), 2),
        "min": round(min(values), 2),
        "max": round(max(values), 2),
    }


def phases(scene: Scene, name: str) -> list[float]:
    """Create a target, for which a source is ready then; give the seconds of each phase of its absorb."""
    if name != scene.first.name:
        scene.create(name)
    api, limit = PlainApi(scene.prefect_api), time.monotonic() + PATIENCE_S
    while (moments := moments_of(api, name)) is None:
        scene.children.check()
        if time.monotonic() > limit:
            raise TimeoutError(f"the absorb of {name} was not done within {PATIENCE_S} s")
        time.sleep(0.5)
    return [(after - before).total_seconds() for before, after in pairwise(moments)]


def moments_of(api: PlainApi, target: str) -> list[datetime] | None:
    """When a target's absorb was created, taken, running, at its first step, and past its first epoch."""
    runs = api.ask("flow_runs/filter", {"flow_runs": {"name": {"any_": [f"absorb-{target}"]}}})
    if not runs or runs[0]["state_type"] != "COMPLETED":
        return None
    mine = {"flow_runs": {"id": {"any_": [runs[0]["id"]]}}}
    answer = requests.get(f"{api.url}/flow_run_states/", {"flow_run_id": runs[0]["id"]}, timeout=30)
    states = {state["type"]: state["timestamp"] for state in answer.json()}
    steps = api.ask("task_runs/filter", {**mine, "sort": "EXPECTED_START_TIME_ASC"})
    told = api.ask("artifacts/filter", {**mine, "artifacts": {"type": {"any_": ["progress"]}}})
    if not steps or not told:
        return None
    first = min(step["start_time"] for step in steps if step["start_time"])
    written = (
        runs[0]["created"],
        states["PENDING"],
        states["RUNNING"],
        first,
        min(each["created"] for each in told),
    )
    return [datetime.fromisoformat(moment.replace("Z", "+00:00")) for moment in written]


if __name__ == "__main__":
    main()
