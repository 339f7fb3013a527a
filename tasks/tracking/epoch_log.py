"""The curves of a fine-tune in MLflow, written in few requests however short the epochs are."""

import logging
import time
from collections import deque

from mlflow import MlflowClient
from mlflow.entities import Metric

from grasp_core.progress import Epoch
from tasks.errors import TransientError
from tasks.throttle import INTERVAL_S, Throttle
from tasks.tracking.api import answering

AT_ONCE = 999  # MLflow takes 1000 metrics in a request, an epoch gives three

log = logging.getLogger(__name__)


class EpochLog:
    """Collects the figures of epochs and writes them to a run, at most once a second."""

    def __init__(self, client: MlflowClient, run_id: str, *, interval_s: float = INTERVAL_S) -> None:
        self._client, self._run_id, self._throttle = client, run_id, Throttle(interval_s)
        self._waiting: deque[Metric] = deque()

    def add(self, epoch: Epoch) -> None:
        """Take an epoch in; a server that does not answer now gets it later."""
        self._waiting.extend(_metrics(epoch, self._run_id))
        if not self._throttle.is_due():
            return
        try:
            self.flush()
        except TransientError as error:
            log.warning("%s; the training goes on, its curves are written later", error)
        self._throttle.told()

    def flush(self) -> None:
        """Write what waits. Raises TrackingUnavailable, TrackingRefused; nothing is lost then."""
        while self._waiting:
            some = [self._waiting[i] for i in range(min(AT_ONCE, len(self._waiting)))]
            with answering(f"MLflow run {self._run_id}"):
                self._client.log_batch(self._run_id, metrics=some)
            for _ in some:
                self._waiting.popleft()


def _metrics(epoch: Epoch, run_id: str) -> list[Metric]:
    """Name an epoch's figures; each fold of a soup has curves of its own."""
    group = "fine_tune" if epoch.folds == 1 else f"fine_tune_fold_{epoch.fold}"
    at_ms = time.time_ns() // 1_000_000
    figures = {
        "train_loss": epoch.train_loss,
        "val_loss": epoch.val_loss,
        "val_accuracy": epoch.val_accuracy,
    }
    return [
        Metric(f"{group}/{name}", value, at_ms, epoch.epoch, run_id=run_id) for name, value in figures.items()
    ]
