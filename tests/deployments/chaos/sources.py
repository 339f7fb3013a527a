"""What is published meanwhile: good, late, doubled and broken sources, each with its right decision."""

import hashlib
import random
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import torch

from grasp_core.data import digits
from grasp_core.models.architectures import build
from tasks.bucket.store import Store
from tasks.contracts.base import Architecture, InputSpec, Period
from tasks.contracts.keys import blob_key
from tasks.contracts.manifest import Manifest, Weights
from tasks.contracts.target import AbsorbSettings, GateSettings, Target
from tasks.data.datasets import SplitArrays, publish_dataset
from tasks.errors import TransientError
from tasks.journal.targets import create_target
from tasks.publishing.publish import publish, weights_of
from tasks.weights.files import save

ARCHITECTURE = Architecture(id="grasp/digits-cnn", in_channels=1, num_classes=10)
INPUT = InputSpec(height=8, width=8, channels=1, mean=(0.5,), std=(0.5,))
CLOCKS = (datetime(1970, 1, 1, tzinfo=UTC), datetime(2038, 1, 19, tzinfo=UTC))


@dataclass(frozen=True)
class Source:
    """needs: the decision and its reason; None where it has to be absorbed."""

    path: Path
    manifest: Manifest
    needs: tuple[str, str] | None


def create(store: Store, name: str, series: str) -> Target:
    """Create a target that takes every good source: the gate is not what is tried here."""
    parts = digits.target(budget=60, strength=1.0, seed=0, gate=100)
    splits = {
        each: SplitArrays(
            images=np.ascontiguousarray(getattr(parts, each).images),
            labels=getattr(parts, each).labels,
            ids=getattr(parts, each).ids,
        )
        for each in ("train", "val", "gate", "test")
    }
    target = Target(
        name=name,
        series=(series,),
        architecture=ARCHITECTURE,
        classes=digits.CLASSES,
        input=INPUT,
        dataset=publish_dataset(store, name, classes=digits.CLASSES, input=INPUT, splits=splits),
        absorb=AbsorbSettings(mode="reference", lr=1e-3, epochs=1, initial_epochs=1),
        gate=GateSettings(policy="always"),
    )
    create_target(store, target)
    return target


def make(directory: Path, series: str, count: int, rng: random.Random) -> list[Source]:
    """Make so many sources, in the order in which they are published: periods are shuffled, so some are late.

    One in eight is broken on the way, one has other classes, one is the double of another.
    """
    torch.set_num_threads(1)
    years = list(range(2001, 2001 + count))
    rng.shuffle(years)
    made = [_good(directory, series, year, rng) for year in years]
    for at in range(3, count, 8):
        made[at] = _broken(made[at])
    if count > 4:
        made[4] = _foreign(made[4])
        made.append(_double(made[0]))
    return made


def send(store: Store, source: Source, *, within_s: float = 300) -> str:
    """Publish as a patient team does; gives the arrival id."""
    limit = time.monotonic() + within_s
    while True:
        try:
            return publish(store, source.path, manifest=source.manifest).arrival_id
        except TransientError:
            if time.monotonic() > limit:
                raise
            time.sleep(1)


def _good(directory: Path, series: str, year: int, rng: random.Random) -> Source:
    torch.manual_seed(rng.randrange(2**31))
    path = directory / f"{year}.safetensors"
    save(build(ARCHITECTURE.id, in_channels=1, num_classes=10), path)
    manifest = Manifest(
        series=series,
        rev=1,
        period=Period(label=str(year), start=date(year, 1, 1), end=date(year, 12, 31)),
        architecture=ARCHITECTURE,
        classes=digits.CLASSES,
        input=INPUT,
        weights=weights_of(path),
        created_at=rng.choice((*CLOCKS, datetime.now(UTC))),
    )
    return Source(path, manifest, needs=None)


def _broken(source: Source) -> Source:
    """Declare the digest of other bytes."""
    declared = hashlib.sha256(source.path.read_bytes() + b"lost").hexdigest()
    weights = Weights(sha256=declared, size_bytes=source.path.stat().st_size, key=blob_key(declared))
    changed = source.manifest.model_copy(update={"weights": weights})
    return Source(source.path, changed, needs=("quarantined", "blob_digest"))


def _foreign(source: Source) -> Source:
    """Name other classes than the target's."""
    others = tuple(f"letter-{each}" for each in "abcdefghij")
    changed = source.manifest.model_copy(update={"classes": others})
    return Source(source.path, changed, needs=("quarantined", "classes"))


def _double(source: Source) -> Source:
    """Give the same weights once more, as another rev."""
    changed = source.manifest.model_copy(update={"rev": 2})
    return Source(source.path, changed, needs=("duplicate", "same_weights"))
