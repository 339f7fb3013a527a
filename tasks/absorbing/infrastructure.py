"""Failures inside a unit that are nobody's fault: store, MLflow, Prefect, the network, this machine's disk.

Most become our errors where they happen. What still comes up raw, from a library or from Prefect's engine
around a task, is told here, so that it costs no attempt.
"""

import requests
from mlflow.exceptions import MlflowException
from urllib3.exceptions import HTTPError

from tasks.disk import behind, disk_trouble
from tasks.errors import GraspError, NoSpace, StoreUnavailable, TransientError
from tasks.orchestration.flow_runs import orchestration_away
from tasks.tracking.api import tracking_away


def infrastructure(error: Exception) -> GraspError | None:
    """Give what an error means when the infrastructure failed; None when it may be the source's fault."""
    for each in behind(error):
        if isinstance(each, TransientError):
            return each
        if isinstance(each, Exception) and (away := _away(each)):
            return away
    return None


def _away(error: Exception) -> GraspError | None:
    if isinstance(error, MlflowException | requests.RequestException):
        return tracking_away("MLflow", error)
    if known := orchestration_away(error):
        return known
    said = f"{type(error).__name__}: {error}"
    if trouble := disk_trouble(error):
        return NoSpace(f"{trouble} ({said}); make room, it is tried again")
    if isinstance(error, HTTPError | ConnectionError | TimeoutError):
        return StoreUnavailable(f"the network failed ({said}); it is tried again")
    return None
