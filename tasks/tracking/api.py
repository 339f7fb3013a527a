"""The one way to MLflow: a client with an explicit address, and its errors in our words.

Nothing here sets MLflow's global tracking address, which would leak into child processes.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
from mlflow import MlflowClient
from mlflow.artifacts import download_artifacts
from mlflow.exceptions import MlflowException, RestException

from tasks.credentials.logins import MLFLOW, Login, parted
from tasks.credentials.redact import learn_login, redacted
from tasks.disk import disk_trouble
from tasks.errors import GraspError, NoSpace, NotThere, TrackingRefused, TrackingUnavailable

_ABSENT = {"RESOURCE_DOES_NOT_EXIST", "NOT_FOUND"}
_IN_THE_BIN = re.compile(r"must be in(?: the)? 'active' (?:state|lifecycle)")
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

    NotThere: it does not exist, or was deleted. TrackingRefused: the server says no. NoSpace: this machine's
    disk failed meanwhile. TrackingUnavailable: anything else.
    """
    try:
        yield
    except (MlflowException, OSError) as error:
        if (away := tracking_away(subject, error)) is None:
            raise  # an error of this machine's that says nothing of MLflow
        raise away from error


@contextmanager
def looking_up(subject: str) -> Iterator[None]:
    """Translate as `answering` does, and call NotThere what MLflow hides.

    With accounts it refuses to show what is not there, as if it were another's.
    """
    try:
        with answering(subject):
            yield
    except TrackingRefused as error:
        if getattr(error.__cause__, "error_code", "") != "PERMISSION_DENIED":
            raise
        raise NotThere(f"{subject}: MLflow has none, or hides it from this account ({error})") from error


def tracking_away(subject: str, error: Exception) -> GraspError | None:
    """Give what an error of MLflow's client means in our words; None when it is none of that kind."""
    if not isinstance(error, RestException | requests.HTTPError) and (trouble := disk_trouble(error)):
        return NoSpace(f"{subject}: {trouble}; make room, it is tried again later")
    if isinstance(error, MlflowException):
        return _translated(subject, error.error_code, error)
    if isinstance(error, requests.HTTPError):
        status = error.response.status_code if error.response is not None else 0
        code = "NOT_FOUND" if status == 404 else "BAD_REQUEST" if 400 <= status < 429 else ""
        return _translated(subject, code, error)
    return _translated(subject, "", error) if isinstance(error, requests.RequestException) else None


def download(client: MlflowClient, address: str, directory: Path) -> Path:
    """Download a file or a folder by its address (not runs:/…, where MLflow hides why it failed)."""
    return Path(
        download_artifacts(artifact_uri=address, dst_path=str(directory), tracking_uri=client.tracking_uri)
    )


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
    if _IN_THE_BIN.search(said):
        return NotThere(f"{subject}: was deleted in MLflow ({said}); grasp repair says how it comes back")
    if code in _REFUSED:
        return TrackingRefused(f"{subject}: MLflow refused: {said}; check its settings and permissions")
    if disk_trouble(error):
        return TrackingUnavailable(f"{subject}: the disk of MLflow's server fails: {said}; tried again later")
    return TrackingUnavailable(f"{subject}: MLflow did not answer: {said}; it is tried again later")
