"""What one absorb of a ResNet-50 costs outside of training: from the bucket to the champion's alias."""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch

from benchmarks.lineage.example import a_period, a_target, splits_of
from benchmarks.lineage.servers import mlflow_server, s3_server
from tasks.absorbing import steps
from tasks.absorbing.decide import claim
from tasks.absorbing.work import Work, open_work
from tasks.arrivals.arrival import Arrival
from tasks.arrivals.triage import triage
from tasks.arrivals.unit import plan
from tasks.bucket.store import Store
from tasks.candidates.ranks.launch import absorb_over
from tasks.contracts.manifest import Manifest
from tasks.contracts.target import Target
from tasks.data.datasets import publish_dataset
from tasks.journal.targets import create_target
from tasks.publishing.publish import publish, weights_of
from tasks.settings import StoreSettings, load_settings
from tasks.tracking.runs import end_stale_runs
from tasks.weights.files import new_module, save

SOURCES = 4


class Clock:
    """Books wall and CPU seconds of this process by name."""

    def __init__(self) -> None:
        self.wall_s: dict[str, float] = {}
        self.cpu_s: dict[str, float] = {}

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Book what is done inside."""
        wall_s, cpu_s = time.perf_counter(), time.process_time()
        yield
        self.wall_s[name] = self.wall_s.get(name, 0.0) + time.perf_counter() - wall_s
        self.cpu_s[name] = self.cpu_s.get(name, 0.0) + time.process_time() - cpu_s

    def row(self) -> dict[str, Any]:
        """Give seconds by name, and what is left of `produce` without the core's work."""
        for kind in (self.wall_s, self.cpu_s):
            kind["log"] = kind.pop("produce") - kind["core"]
        outside = [name for name in self.wall_s if name != "core"]
        return {
            "outside_s": round(sum(self.wall_s[name] for name in outside), 2),
            "outside_cpu_s": round(sum(self.cpu_s[name] for name in outside), 2),
            "wall_s": {name: round(s, 2) for name, s in self.wall_s.items()},
            "cpu_s": {name: round(s, 2) for name, s in self.cpu_s.items()},
        }


def measure() -> list[dict[str, Any]]:
    """Absorb four sources one after the other; a row for each, the first one makes the target."""
    torch.set_num_threads(1)
    with (
        tempfile.TemporaryDirectory() as scratch,
        mlflow_server(Path(scratch)) as mlflow,
        s3_server(Path(scratch)) as endpoint,
    ):
        os.environ |= {
            "GRASP_BUCKET": "bench",
            "AWS_ENDPOINT_URL_S3": endpoint,
            "AWS_ACCESS_KEY_ID": "a",
            "AWS_SECRET_ACCESS_KEY": "b",
            "MLFLOW_TRACKING_URI": mlflow.uri,
            "GRASP_CACHE_DIR": f"{scratch}/cache",
        }
        target = _world(Path(scratch))
        work = open_work(target.name, by="a benchmark")
        ready = triage(work.store, work.target, work.journal, pending_limit=work.pending_limit).ready
        return [
            {"source": n, "parameters": 25_557_032} | _absorb(work, one) for n, one in enumerate(ready, 1)
        ]


def _world(directory: Path) -> Target:
    store = Store.from_settings(load_settings(StoreSettings))
    store.create_bucket()
    plain = a_target("resnet50")
    key = publish_dataset(store, "example", classes=plain.classes, input=plain.input, splits=splits_of(plain))
    target = a_target("resnet50", dataset=key)
    create_target(store, target)
    for n in range(1, SOURCES + 1):
        torch.manual_seed(n)
        file = directory / f"{n}.safetensors"
        save(new_module(target.architecture), file)
        publish(store, file, manifest=_manifest(target, file, 2010 + n))
    return target


def _manifest(target: Target, file: Path, year: int) -> Manifest:
    return Manifest(
        series="example",
        rev=1,
        period=a_period(year),
        weights=weights_of(file),
        architecture=target.architecture,
        classes=target.classes,
        input=target.input,
    )


def _absorb(work: Work, arrival: Arrival) -> dict[str, Any]:
    clock = Clock()

    def timed_core(*args: Any, **kwargs: Any) -> Any:
        with clock("core"):
            return absorb_over(*args, **kwargs)

    with patch("tasks.absorbing.steps.absorb_over", timed_core):
        with clock("begin"):
            end_stale_runs(work.mlflow, work.target.name, flow_run="bench")
            claim(work.journal, work.target, arrival, flow_run="bench")
        with clock("fetch"):
            source = steps.fetch.fn(work, arrival)
            unit = plan(work.target, arrival, work.journal.last)
        with clock("produce"):
            logged = steps.produce.fn(work, unit, source, flow_run="bench")
        with clock("settle"):
            decided = steps.decide.fn(work, unit, logged)
        with clock("show"):
            steps.show.fn(work)
    return {"decision": decided.decision} | clock.row()
