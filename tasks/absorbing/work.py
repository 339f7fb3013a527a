"""What a flow run works with: one target, its journal, the bucket, MLflow, this machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from mlflow import MlflowClient

from tasks.arrivals.listing import ListingRule
from tasks.bucket.probe import probe_once
from tasks.bucket.store import Store
from tasks.contracts.target import Target
from tasks.identity import signed
from tasks.journal.log import Journal
from tasks.journal.targets import heeded_target
from tasks.private import private_directory
from tasks.registry.story import Storyteller
from tasks.settings import Settings, load_settings
from tasks.tracking.api import connect


class Work:
    """The means of one flow run. No dataclass: Prefect walks through those when they are parameters."""

    def __init__(self, settings: Settings, store: Store, target: Target, journal: Journal) -> None:
        self.settings, self.store, self.target, self.journal = settings, store, target, journal
        self.mlflow: MlflowClient = connect(settings.mlflow_tracking_uri, login=settings.mlflow_login)
        self.pending_limit = timedelta(hours=settings.pending_limit_h)
        self.rule = ListingRule.of(settings)
        self.story = Storyteller(journal)
        self._heeded = journal.last.changed

    def heed(self) -> bool:
        """Take on what a person changed about the target since; as of the journal last read."""
        if self._heeded == self.journal.last.changed:
            return False
        self.target, _ = heeded_target(self.store, self.journal)
        self._heeded = self.journal.last.changed
        return True

    @property
    def scratch(self) -> Path:
        """Name where private directories are made, on the cache's disk; what the dead left there is swept."""
        return self.settings.cache_dir / "work"

    @contextmanager
    def directory(self) -> Iterator[Path]:
        """Give a private directory on the cache's disk; it is gone afterwards."""
        with private_directory(self.scratch) as path:
            yield path


def open_work(target: str, *, by: str) -> Work:
    """Read the settings and the target. Raises InvalidSettings, NotThere, InvalidDocument."""
    settings = load_settings(Settings)
    store = Store.from_settings(settings)
    probe_once(store, settings)
    journal = Journal(store, target, by=signed(by))
    journal.state()
    return Work(settings, store, heeded_target(store, journal)[0], journal)
