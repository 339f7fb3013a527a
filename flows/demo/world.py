"""The demo's bucket: a target with its data, and sources as publishers put them there."""

import hashlib
from datetime import UTC, datetime

from flows.demo import story
from flows.demo.sources import Trained
from grasp_core.data import digits
from tasks.bucket.store import Store
from tasks.contracts.keys import blob_key
from tasks.contracts.manifest import Manifest, Weights
from tasks.contracts.target import Target
from tasks.data.datasets import SplitArrays, publish_dataset
from tasks.journal.targets import create_target
from tasks.publishing.publish import publish, weights_of


def create_world(store: Store, *, seed: int) -> Target:
    """Create the target's data and the target."""
    target = Target(
        name=story.TARGET,
        series=(story.SERIES,),
        architecture=story.ARCHITECTURE,
        classes=digits.CLASSES,
        input=story.INPUT,
        dataset=_publish_data(store, seed=seed),
        absorb=story.ABSORB,
        gate=story.GATE,
    )
    create_target(store, target)
    return target


def publish_source(store: Store, trained: Trained) -> str:
    """Publish a source as its team would; give its arrival id."""
    manifest = _manifest(trained, weights_of(trained.path))
    return publish(store, trained.path, manifest=manifest).arrival_id


def publish_broken(store: Store, trained: Trained) -> str:
    """Publish a source whose manifest declares the digest of other bytes than those uploaded."""
    declared = hashlib.sha256(trained.path.read_bytes() + b"as it was before the disk failed").hexdigest()
    weights = Weights(sha256=declared, size_bytes=trained.path.stat().st_size, key=blob_key(declared))
    return publish(store, trained.path, manifest=_manifest(trained, weights)).arrival_id


def _manifest(trained: Trained, weights: Weights) -> Manifest:
    return Manifest(
        series=story.SERIES,
        rev=1,
        period=trained.chapter.period,
        architecture=story.ARCHITECTURE,
        classes=digits.CLASSES,
        input=story.INPUT,
        weights=weights,
        publisher="demo",
        created_at=datetime.now(UTC),
        metrics={"val_accuracy": trained.val_accuracy},
    )


def _publish_data(store: Store, *, seed: int) -> str:
    found = digits.target(budget=story.LABELS, strength=story.STRENGTH, seed=seed, gate=story.GATE_SAMPLES)
    parts = {"train": found.train, "val": found.val, "gate": found.gate, "test": found.test}
    splits = {
        name: SplitArrays(images=part.images, labels=part.labels, ids=part.ids)
        for name, part in parts.items()
    }
    return publish_dataset(store, story.TARGET, classes=digits.CLASSES, input=story.INPUT, splits=splits)
