"""Store, MLflow, Prefect, the network or the disk failed inside a unit: no attempt is spent on that."""

import errno
import sqlite3
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
import requests
from mlflow.exceptions import MlflowException, RestException
from prefect.concurrency.asyncio import AcquireConcurrencySlotTimeoutError, ConcurrencySlotAcquisitionError
from prefect.exceptions import PrefectHTTPStatusError
from prefect.logging import disable_run_logger
from safetensors import SafetensorError
from urllib3.exceptions import ProtocolError

from flows import absorb_units, replay
from flows.absorb_units import absorb_arrival
from tasks.absorbing.work import Work
from tasks.bucket.store import Store
from tasks.contracts.journal import Requeued
from tasks.errors import (
    GraspError,
    NoSpace,
    OrchestrationRefused,
    OrchestrationUnavailable,
    RankLost,
    StoreUnavailable,
    TrackingUnavailable,
)
from tasks.settings import Settings, load_settings
from tests.tasks.conftest import Bucket

REQUEST = httpx.Request("POST", "http://127.0.0.1:4200/api/task_runs/")


def answered(status: int, kind: type[httpx.HTTPStatusError] = httpx.HTTPStatusError) -> Exception:
    return kind("no", request=REQUEST, response=httpx.Response(status, request=REQUEST))


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


DOWNLOAD = "The following failures occurred:\n##### File served #####\n[Errno 28] No space left on device"
AWAY: dict[str, tuple[Exception, type[GraspError], str]] = {
    "the disk is full": (OSError(errno.ENOSPC, "No space left on device"), NoSpace, "disk is full"),
    "the quota is used up": (OSError(errno.EDQUOT, "Disk quota exceeded"), NoSpace, "quota"),
    "the disk is read-only": (OSError(errno.EROFS, "Read-only file system"), NoSpace, "read-only"),
    "the disk fails": (OSError(errno.EIO, "Input/output error"), NoSpace, "I/O error"),
    "full while weights are saved": (
        SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)"),
        NoSpace,
        "disk is full",
    ),
    "full during a download of MLflow's": (MlflowException(DOWNLOAD), NoSpace, "disk is full"),
    "full under sqlite": (sqlite3.OperationalError("database or disk is full"), NoSpace, "disk is full"),
    "full, told by another error": (
        caused(RuntimeError("cannot write the figure"), OSError(errno.ENOSPC, "No space")),
        NoSpace,
        "disk is full",
    ),
    "MLflow is away": (requests.ConnectionError("refused"), TrackingUnavailable, "MLflow"),
    "MLflow is slow": (requests.ReadTimeout("read timed out"), TrackingUnavailable, "MLflow"),
    "MLflow fails": (MlflowException("boom"), TrackingUnavailable, "MLflow"),
    "MLflow's database is locked": (
        RestException({"error_code": "TEMPORARILY_UNAVAILABLE", "message": "database is locked"}),
        TrackingUnavailable,
        "MLflow",
    ),
    "MLflow's disk is full": (
        RestException({"error_code": "INTERNAL_ERROR", "message": "[Errno 28] No space left on device"}),
        TrackingUnavailable,
        "disk of MLflow's server",
    ),
    "Prefect is away": (httpx.ConnectError("refused"), OrchestrationUnavailable, "Prefect"),
    "Prefect is slow": (httpx.ReadTimeout(""), OrchestrationUnavailable, "Prefect"),
    "Prefect fails": (answered(503), OrchestrationUnavailable, "503"),
    "Prefect fails, in its engine": (answered(500, PrefectHTTPStatusError), OrchestrationUnavailable, "500"),
    "Prefect lets nobody in": (answered(401), OrchestrationRefused, "401"),
    "Prefect gives no slot": (
        ConcurrencySlotAcquisitionError("Unable to acquire concurrency slots on ['target:t']"),
        OrchestrationUnavailable,
        "Prefect",
    ),
    "Prefect gives no slot in time": (
        AcquireConcurrencySlotTimeoutError(),
        OrchestrationUnavailable,
        "Prefect",
    ),
    "Prefect cannot be reached": (
        caused(RuntimeError("Failed to reach API"), httpx.ConnectError("refused")),
        OrchestrationUnavailable,
        "Prefect",
    ),
    "the store is away": (StoreUnavailable("s3://b/x: no answer"), StoreUnavailable, "no answer"),
    "a line breaks": (ProtocolError("broken"), StoreUnavailable, "network"),
    "a line is cut": (ConnectionResetError(errno.ECONNRESET, "reset"), StoreUnavailable, "network"),
}
OWN = {
    "a fault of ours": RuntimeError("boom"),
    "out of memory": MemoryError(),
    "an odd file": ValueError("x"),
    "a rank that is killed each time": RankLost("rank 1 of 2 was killed by SIGKILL"),
}


@pytest.fixture
def bucket(store: Store) -> Bucket:
    return Bucket(store)


@pytest.fixture
def work(bucket: Bucket, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Work:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("GRASP_CACHE_DIR", str(tmp_path))
    return Work(load_settings(Settings), bucket.store, bucket.target, bucket.journal)


@pytest.fixture
def fails(monkeypatch: pytest.MonkeyPatch) -> Callable[[Exception], None]:
    """Let every unit, and every replay, fail so."""

    def then(error: Exception) -> None:
        def fail(*_: object, **__: object) -> None:
            raise error

        monkeypatch.setattr(absorb_units, "absorb_unit", fail)
        monkeypatch.setattr(replay, "_build", fail)

    return then


def ready(bucket: Bucket):
    bucket.publish("2014")
    (arrival,) = bucket.watch().ready
    return arrival


@pytest.mark.parametrize(("error", "kind", "said"), AWAY.values(), ids=AWAY)
def test_what_the_infrastructure_spoils_costs_no_attempt_and_is_named(
    error: Exception, kind: type[GraspError], said: str, bucket: Bucket, work: Work, fails
):
    arrival = ready(bucket)
    fails(error)
    with disable_run_logger(), pytest.raises(kind, match=said) as raised:
        absorb_arrival(work, arrival, "f")
    assert bucket.check_journal().open[arrival.id].attempts == 0
    (entry,) = [each for each in bucket.entries() if isinstance(each, Requeued)]
    assert str(raised.value)[:60] in entry.reason.replace("\\n", "\n")
    assert [each.id for each in bucket.watch().ready] == [arrival.id]


@pytest.mark.parametrize(("error", "kind", "said"), list(AWAY.values())[:3], ids=list(AWAY)[:3])
def test_a_replay_that_the_infrastructure_spoils_costs_none_either(
    error: Exception, kind: type[GraspError], said: str, bucket: Bucket, work: Work, fails
):
    arrival = ready(bucket)
    fails(error)
    with disable_run_logger(), pytest.raises(kind, match=said):
        replay.replay(work, [arrival], flow_run="f", between=lambda: True)
    assert bucket.check_journal().open[arrival.id].attempts == 0


@pytest.mark.parametrize("error", OWN.values(), ids=OWN)
def test_what_may_be_the_sources_fault_counts(error: Exception, bucket: Bucket, work: Work, fails):
    arrival = ready(bucket)
    fails(error)
    with disable_run_logger():
        assert not absorb_arrival(work, arrival, "f")
    assert bucket.check_journal().open[arrival.id].attempts == 1
