"""What it costs a training to tell MLflow of 300 epochs of 10 ms: one request each, and as EpochLog does."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.lineage.servers import mlflow_server
from grasp_core.progress import Epoch
from tasks.tracking.api import connect
from tasks.tracking.epoch_log import EpochLog

EPOCHS, EPOCH_S = 300, 0.010


def measure() -> list[dict[str, Any]]:
    """Give the seconds that the calls took in all, both ways."""
    with tempfile.TemporaryDirectory() as scratch, mlflow_server(Path(scratch)) as server:
        client = connect(server.uri)
        experiment = client.create_experiment("epochs")
        rows = []
        for way, interval_s in (("each epoch", 0.0), ("EpochLog", 1.0)):
            curves = EpochLog(client, client.create_run(experiment).info.run_id, interval_s=interval_s)
            flush = curves.flush if interval_s == 0.0 else None
            rows.append({"way": way, "epochs": EPOCHS, "calls_s": round(_train(curves, after_each=flush), 2)})
        return rows


def _train(curves: EpochLog, *, after_each: Callable[[], None] | None) -> float:
    spent_s = 0.0
    for number in range(1, EPOCHS + 1):
        time.sleep(EPOCH_S)
        epoch = Epoch(
            fold=1, folds=1, epoch=number, epochs=EPOCHS, train_loss=1.0, val_loss=1.0, val_accuracy=0.5
        )
        began_s = time.perf_counter()
        curves.add(epoch)
        if after_each:
            after_each()
        spent_s += time.perf_counter() - began_s
    began_s = time.perf_counter()
    curves.flush()
    return spent_s + time.perf_counter() - began_s
