"""The one way to MLflow: a client with an explicit address, and its errors in our words.

Nothing here sets MLflow's global tracking address, which would leak into child processes.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

import requests
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from tasks.errors import NotThere, TrackingRefused, TrackingUnavailable
from tasks.logins import MLFLOW, Login, parted
from tasks.redact import learn_login, redacted

_ABSENT = {"RESOURCE_DOES_NOT_EXIST", "NOT_FOUND"}
_NO_ALIAS = re.compile(r"alias \S+ not found")  # which MLflow calls an invalid parameter
_REFUSED = {
    "ABORTED",
    "ALREADY_EXISTS",
    "BAD_REQUEST",
    "CUSTOMER_UNAUTHORIZED",
    "ENDPOINT_NOT_FOUND",
    "FEATURE_DISABLED",
    "INVALID_PARAMETER_VALUE",
    "INVALID_STATE",
    "NOT_IMPLEMENTED",
    "PERMISSION_DENIED",
    "RESOURCE_ALREADY_EXISTS",
    "UNAUTHENTICATED",
}


def connect(tracking_uri: str, *, login: Login | None = None) -> MlflowClient:
    """Give a client of the MLflow server at this address; nothing is sent yet.

    A login goes into the variables where MLflow looks for one, also one that stands in the address: MLflow
    quotes addresses in its errors.
    """
    address, inside = parted(tracking_uri)
    if login := inside or login:
        learn_login(*login)
        os.environ.update(zip(MLFLOW, login, strict=True))
    return MlflowClient(tracking_uri=address, registry_uri=address)


@contextmanager
def answering(subject: str) -> Iterator[None]:
    """Translate what MLflow raises; subject: what was asked for, named in the message.

    NotThere: it does not exist. TrackingRefused: the server says no. TrackingUnavailable: anything else.
    """
    try:
        yield
    except MlflowException as error:
        raise _translated(subject, error.error_code, error) from error
    except requests.HTTPError as error:
        status = error.response.status_code if error.response is not None else 0
        code = "NOT_FOUND" if status == 404 else "BAD_REQUEST" if 400 <= status < 429 else ""
        raise _translated(subject, code, error) from error
    except requests.RequestException as error:
        raise _translated(subject, "", error) from error


def already_there(error: MlflowException) -> bool:
    """Say whether a create failed because another was faster."""
    return error.error_code in {"RESOURCE_ALREADY_EXISTS", "ALREADY_EXISTS"}


def _translated(
    subject: str, code: str, error: Exception
) -> NotThere | TrackingRefused | TrackingUnavailable:
    lines = redacted(str(error)).strip().splitlines()
    said = lines[0][:500] if lines else type(error).__name__
    if code in _ABSENT or _NO_ALIAS.search(said):
        return NotThere(f"{subject}: MLflow has none ({said})")
    if code in _REFUSED:
        return TrackingRefused(f"{subject}: MLflow refused: {said}; check its settings and permissions")
    return TrackingUnavailable(f"{subject}: MLflow did not answer: {said}; it is tried again later")
