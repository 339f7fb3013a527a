"""A target in a bucket without its data: all that noticing arrivals needs."""

import hashlib
import json
from datetime import UTC, datetime, timedelta

import pytest

from tasks.arrivals.listing import ListingRule
from tasks.arrivals.triage import Triage, triage
from tasks.bucket.store import Store
from tasks.contracts import keys
from tasks.contracts.base import Architecture, InputSpec
from tasks.contracts.journal import Decided, Entry, Reason
from tasks.contracts.state import State
from tasks.contracts.target import Target
from tasks.journal.log import Journal

ARCHITECTURE = Architecture(id="grasp/digits-cnn", in_channels=1, num_classes=10)
CLASSES = tuple("0123456789")
INPUT = InputSpec(height=8, width=8, channels=1, mean=(0.5,), std=(0.5,))
DAY = timedelta(hours=24)


class Bucket:
    """A bucket with one target, publishers that use a plain client, and a watch that looks when told."""

    def __init__(self, store: Store, **target: object) -> None:
        self.store = store
        fields = {
            "name": "digits-now",
            "series": ("digits",),
            "architecture": ARCHITECTURE,
            "classes": CLASSES,
            "input": INPUT,
            "dataset": f"datasets/digits-now/{'0' * 64}/dataset.json",
        }
        self.target = Target(**fields | target)
        self.journal = self.writer("test")

    def writer(self, name: str) -> Journal:
        return Journal(self.store, self.target.name, by=name)

    def manifest(self, label: str = "2014", rev: int = 1, *, blob: bytes = b"weights", **changes) -> dict:
        """A good manifest as a stranger would write it; `changes` replaces fields."""
        sha256 = hashlib.sha256(blob).hexdigest()
        return {
            "schema_version": 1,
            "series": "digits",
            "rev": rev,
            "period": {"label": label, "start": f"{label[:4]}-01-01", "end": f"{label[:4]}-12-31"},
            "architecture": ARCHITECTURE.model_dump(),
            "classes": list(CLASSES),
            "input": INPUT.model_dump(mode="json"),
            "weights": {"sha256": sha256, "size_bytes": len(blob), "key": keys.blob_key(sha256)},
        } | changes

    def publish(self, label: str = "2014", rev: int = 1, *, blob: bytes = b"weights", **changes) -> str:
        """Put blob and manifest as a plain client does; gives the arrival id."""
        manifest = self.manifest(label, rev, blob=blob, **changes)
        self.store.put(keys.blob_key(hashlib.sha256(blob).hexdigest()), blob)
        return self.put_manifest(keys.manifest_key(manifest["series"], label, rev), manifest)

    def publish_as(self, label: str, manifest: dict, blob: bytes) -> str:
        """Put a blob, and any manifest under the key of the label's first rev."""
        self.store.put(keys.blob_key(hashlib.sha256(blob).hexdigest()), blob)
        return self.put_manifest(f"manifests/digits/{label}/1.json", manifest)

    def put_manifest(self, key: str, manifest: dict | bytes) -> str:
        body = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()
        self.store.put(key, body)
        return keys.arrival_id(key)

    def watch(self, *, limit: timedelta = DAY, rule: ListingRule | None = None) -> Triage:
        """Look as a fresh watch process does; the journal must be whole afterwards."""
        found = self.look(limit=limit, rule=rule)
        self.check_journal()
        return found

    def look(self, *, limit: timedelta = DAY, rule: ListingRule | None = None) -> Triage:
        self.journal = self.writer("watch")
        return triage(self.store, self.target, self.journal, pending_limit=limit, rule=rule or ListingRule())

    def check_journal(self) -> State:
        """The journal is dense, and what is cached is what folding it from the start gives."""
        fresh = Journal(self.store, self.target.name, by="check")
        cached = fresh.state()
        entries = list(fresh.entries())
        assert [entry.seq for entry in entries] == list(range(1, cached.seq + 1))
        return cached

    def decided(self, arrival_id: str) -> Decided | None:
        """The decision on an arrival; there is at most one unless it was requeued."""
        entries = [entry for entry in self.entries() if getattr(entry, "arrival_id", 0) == arrival_id]
        found = [entry for entry in entries if isinstance(entry, Decided)]
        requeued = sum(entry.kind == "requeued" for entry in entries)
        assert len(found) <= 1 + requeued
        return found[-1] if found else None

    def entries(self) -> list[Entry]:
        return list(self.writer("reader").entries())

    def absorb(
        self, arrival_id: str, *, decision: str = "promoted", version: int | None = 1, **changes
    ) -> State:
        """Decide a ready arrival as an absorb does."""
        (arrival,) = [a for a in self.watch().ready if a.id == arrival_id]
        manifest = arrival.manifest

        def think(state, stamp):
            return Decided(
                **stamp._asdict()
                | {
                    "arrival_id": arrival_id,
                    "decision": decision,
                    "reason_code": "always",
                    "reason": Reason(object="o", found="f", needed="n", next="x"),
                    "source": {
                        "series": manifest.series,
                        "period": manifest.period,
                        "rev": manifest.rev,
                        "weights_sha256": manifest.weights.sha256,
                    },
                    "lineage": state.lineage,
                    "index": len(state.closed) + 1,
                    "registry_version": version,
                }
                | changes
            )

        return self.journal.transact(think)


@pytest.fixture
def bucket(store: Store) -> Bucket:
    """A target that absorbs the series `digits`, in a fresh bucket on moto."""
    return Bucket(store)


@pytest.fixture
def new_bucket(store: Store):
    """Make a target with other settings."""
    return lambda **target: Bucket(store, **target)


@pytest.fixture
def stamp():
    """What an entry starts with."""
    return lambda seq: {"seq": seq, "at": datetime(2026, 11, 21, tzinfo=UTC), "by": "test"}
