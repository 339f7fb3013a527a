"""Curves reach MLflow in few requests, and a server that is away costs a training nothing."""

import pytest
from mlflow.exceptions import MlflowException

from grasp_core.progress import Epoch
from tasks.errors import TrackingUnavailable
from tasks.throttle import Throttle
from tasks.tracking.epoch_log import EpochLog


class Server:
    """Takes batches of metrics, unless it is away."""

    def __init__(self) -> None:
        self.away, self.batches = False, []

    def log_batch(self, run_id: str, metrics: list) -> None:
        if self.away:
            raise MlflowException("no route to host")
        self.batches.append(list(metrics))


def epoch(number: int) -> Epoch:
    return Epoch(
        fold=1, folds=1, epoch=number, epochs=2000, train_loss=1.0, val_loss=1.0, val_accuracy=number / 2000
    )


def steps(server: Server) -> list[int]:
    return [m.step for batch in server.batches for m in batch if m.key == "fine_tune/val_accuracy"]


def test_a_thousand_short_epochs_take_a_handful_of_requests():
    server = Server()
    curves = EpochLog(server, "run", interval_s=3600)
    for number in range(1, 1001):
        curves.add(epoch(number))
    curves.flush()
    assert steps(server) == list(range(1, 1001))
    assert len(server.batches) == 1 + 3
    assert max(map(len, server.batches)) <= 1000


def test_the_first_epoch_is_seen_at_once():
    server = Server()
    EpochLog(server, "run").add(epoch(1))
    assert steps(server) == [1]


def test_the_slower_the_other_side_the_more_seldom_it_is_told(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("tasks.throttle.time.monotonic", lambda: clock[0])
    throttle = Throttle()
    assert throttle.is_due()
    clock[0] = 3.0  # it took three seconds
    throttle.told()
    clock[0] = 62.9
    assert not throttle.is_due()
    clock[0] = 63.0
    assert throttle.is_due()


def test_a_server_that_is_away_delays_the_curves_and_nothing_else():
    server = Server()
    curves = EpochLog(server, "run", interval_s=0)
    server.away = True
    curves.add(epoch(1))
    with pytest.raises(TrackingUnavailable):
        curves.flush()
    server.away = False
    curves.add(epoch(2))
    curves.flush()
    assert steps(server) == [1, 2]
