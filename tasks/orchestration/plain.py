"""Prefect's API by plain requests: its own client takes seconds to import."""

import os
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

import requests
from dotenv import dotenv_values

TIMEOUT_S = 5.0


class PlainApi:
    """The server at url, or that PREFECT_API_URL names, with its login; url is empty where none is named."""

    def __init__(self, url: str | None = None) -> None:
        found = {**dotenv_values(".env"), **os.environ}
        self.url = (url or found.get("PREFECT_API_URL") or "").rstrip("/")
        self._session, self._permitted = requests.Session(), False
        user, _, password = (found.get("PREFECT_API_AUTH_STRING") or "").partition(":")
        if user:
            self._session.auth = (user, password)
        elif key := found.get("PREFECT_API_KEY"):
            self._session.headers["Authorization"] = f"Bearer {key}"

    def ask(self, path: str, asked: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Ask for a list of things. Raises what requests raises."""
        found: list[dict[str, Any]] = self._post(path, asked).json()
        return found

    def emit(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Hand events to the server; when it returns, the server has taken them. Raises as ask."""
        self._post("events", [*events])

    def _post(self, path: str, body: Any) -> requests.Response:
        if not self._permitted:
            self._permit()
        answer = self._session.post(f"{self.url}/{path}", json=body, timeout=TIMEOUT_S)
        answer.raise_for_status()
        return answer

    def _permit(self) -> None:
        """Take the token that a server with CSRF protection wants; others have none."""
        client = str(uuid4())
        answer = self._session.get(f"{self.url}/csrf-token", params={"client": client}, timeout=TIMEOUT_S)
        if answer.ok:
            token = str(answer.json()["token"])
            self._session.headers.update({"Prefect-Csrf-Token": token, "Prefect-Csrf-Client": client})
        self._permitted = True


def said(error: Exception) -> str:
    """Say what a request came to."""
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"answered {error.response.status_code}"
    return f"did not answer ({type(error).__name__})"
