"""The version that an alias names, held in memory; another takes its place whole, between two requests."""

import logging
import threading
from collections.abc import Callable
from typing import NamedTuple

from mlflow import MlflowClient

from tasks.errors import GraspError, NotThere
from tasks.registry.loading import load_classifier
from tasks.registry.registry import CHAMPION, aliases
from tasks.tracking.serving import Classifier

log = logging.getLogger(__name__)


class Served(NamedTuple):
    """A version in memory. Who took it answers with it, also when another one took its place meanwhile."""

    registry_version: int
    classifier: Classifier


class Followed:
    """The champion of a target, as its alias names it."""

    def __init__(self, client: MlflowClient, target: str, *, on_swap: Callable[[int], None]) -> None:
        self._client, self.target, self._on_swap = client, target, on_swap
        self._served = self._load(self._named())
        on_swap(self._served.registry_version)

    @property
    def served(self) -> Served:
        """Give the version that answers now."""
        return self._served

    def look(self) -> bool:
        """Load what the alias names, if it is another, and let it answer; say whether it did.

        Raises what stands in the way; the version that is there goes on.
        """
        version = self._named()
        if version == self._served.registry_version:
            return False
        self._served = self._load(version)  # one assignment: a request sees the old one or the new one
        self._on_swap(version)
        log.info("version %d of %s answers now", version, self.target)
        return True

    def follow(self, stop: threading.Event, *, every_s: float, on_error: Callable[[], None]) -> None:
        """Look again and again until told to stop; what stands in the way is logged and tried again."""
        while not stop.wait(every_s):
            try:
                self.look()
            except GraspError as error:
                on_error()
                log.warning("%s; version %d goes on answering", error, self._served.registry_version)

    def _named(self) -> int:
        version = aliases(self._client, self.target).get(CHAMPION)
        if version is None:
            raise NotThere(
                f"target {self.target}: no alias `champion` in MLflow, so there is nothing to serve; publish "
                f"a source and wait for its absorb (grasp status {self.target})"
            )
        return version

    def _load(self, version: int) -> Served:
        return Served(version, load_classifier(self._client, self.target, version=version))
