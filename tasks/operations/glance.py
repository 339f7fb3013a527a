"""A glance at MLflow: a few plain requests, without the seconds that loading its package takes."""

import os
from collections.abc import Iterator, Mapping
from typing import Any

import requests

from tasks.contracts.state import State
from tasks.credentials.logins import Login

TIMEOUT_S = 5.0
API = "/api/2.0/mlflow"


class Glance:
    """Looks what is missing of targets; after the first request without an answer it asks no more."""

    def __init__(self, tracking_uri: str, *, login: Login | None = None) -> None:
        self._uri, self._session = tracking_uri.rstrip("/"), requests.Session()
        if login:
            self._session.auth = (login.user, login.password)
        elif token := os.environ.get("MLFLOW_TRACKING_TOKEN"):
            self._session.headers["Authorization"] = f"Bearer {token}"
        self.away = ""  # why nothing more is asked
        self.experiments: dict[str, str] = {}  # ids by target, of those that are there

    def missing(self, target: str, state: State) -> tuple[str, ...]:
        """Say what MLflow lacks of a target; nothing while it does not answer."""
        if not state.versions or self.away:
            return ()
        try:
            return tuple(self._missing(target, state))
        except (requests.RequestException, ValueError) as error:
            self.away = f"MLflow {_said(error)}; what it lacks was not looked at"
            return ()

    def _missing(self, target: str, state: State) -> Iterator[str]:
        found = self._get("experiments/get-by-name", experiment_name=target)
        stage = found.get("experiment", {}).get("lifecycle_stage") if found else "gone"
        if found and stage == "active":
            self.experiments[target] = str(found["experiment"].get("experiment_id", ""))
        else:
            yield f"experiment {target} is {stage}"
        for what, version in (("champion", state.champion), ("champion before", state.previous)):
            if version is None:
                continue
            entry = self._get("model-versions/get", name=target, version=str(version))
            tags = entry.get("model_version", {}).get("tags", []) if entry else []
            if entry is None:
                yield f"version {version}, the {what}, is gone"
            elif any(tag.get("key") == "pruned" for tag in tags):
                yield f"version {version}, the {what}, has lost its weights (pruned)"

    def _get(self, path: str, **params: str) -> Mapping[str, Any] | None:
        """Ask for something; None when there is none. Raises what requests raises."""
        answer = self._session.get(f"{self._uri}{API}/{path}", params=params, timeout=TIMEOUT_S)
        if answer.status_code == requests.codes.not_found:
            return None
        answer.raise_for_status()
        body: Mapping[str, Any] = answer.json()
        return body


def _said(error: Exception) -> str:
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"answered {error.response.status_code}"
    return f"did not answer ({type(error).__name__})"
