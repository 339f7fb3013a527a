"""A bucket in which everything has been decided: what an idle watch looks at."""

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime

from tasks.contracts import keys
from tasks.contracts.base import Architecture, InputSpec
from tasks.contracts.journal import Paused
from tasks.contracts.state import Closed, Lineage, Listing, Point, Projected, State, etag_mark
from tasks.contracts.target import Target
from tasks.journal import cache

BUCKET = "grasp-bench"
NAME, SERIES = "digits-now", "digits"
BODY = b"{}"  # a manifest that was decided is listed, never read
NOTICES = 20  # of sources published within the last days
VERSIONS = 1000  # registered; most of so many sources changed nothing


def target(name: str = NAME, series: str = SERIES) -> Target:
    """Give a target of one series."""
    return Target(
        name=name,
        series=(series,),
        architecture=Architecture(id="grasp/digits-cnn", in_channels=1, num_classes=10),
        classes=tuple("0123456789"),
        input=InputSpec(height=8, width=8, channels=1, mean=(0.5,), std=(0.5,)),
        dataset=f"datasets/digits/{'0' * 64}/dataset.json",
    )


def objects(
    manifests: int, *, listed: bool, name: str = NAME, series: str = SERIES
) -> Iterator[tuple[str, bytes]]:
    """Give every object of a bucket with so many manifests, as many decided; listed: fully, just now."""
    state = decided(manifests, listed=listed, series=series)
    tip = Paused(seq=state.seq, at=datetime.now(UTC), by="bench", reason="the newest entry")
    body = tip.model_dump_json().encode()
    state = cache.chained(state, [cache.digest_of(body)], since=state.seq)
    projected = Projected(seq=state.to_project, champion=state.champion, previous=state.previous)
    document = target(name, series).model_dump_json(by_alias=True, exclude_none=True)
    yield keys.target_key(name), document.encode()
    yield keys.state_key(name), cache.written(state)
    yield keys.projected_key(name), projected.model_dump_json().encode()
    yield keys.entry_key(name, state.seq), body
    for number in range(manifests):
        yield key_of(number, series), BODY
    for number in range(NOTICES):
        yield keys.notice_key(datetime.now(UTC), keys.arrival_id(key_of(number, series))), b""


def decided(manifests: int, *, listed: bool, series: str = SERIES) -> State:
    """Give the state of a journal with two entries per manifest, and the newest."""
    mark = etag_mark(hashlib.md5(BODY).hexdigest())  # what the server gives as ETag
    state = State(
        seq=2 * manifests + 1,
        champion=VERSIONS,
        previous=VERSIONS - 1,
        to_project=2 * manifests,
        lineages={"main": Lineage(index=manifests, head=VERSIONS)},
        versions={n: _point(n) for n in range(1, min(VERSIONS, manifests) + 1)},
        listing=Listing(at=datetime.now(UTC), manifests=manifests) if listed else None,
    )
    for number in range(manifests):
        arrival = keys.arrival_id(key_of(number, series))
        state.closed[arrival] = Closed("rejected", 2 * number + 2, 2 * number + 1, mark)
        state.weights[hashlib.sha256(b"%d" % number).hexdigest()[:32]] = 2 * number + 2
    return state


def key_of(number: int, series: str = SERIES) -> str:
    """Give the key of one manifest."""
    return keys.manifest_key(series, f"p{number:06d}", 1)


def _point(number: int) -> Point:
    digest = hashlib.sha256(json.dumps(number).encode()).hexdigest()
    return Point(
        lineage="main",
        role="champion",
        arrival_id=digest,
        index=number,
        gate_accuracy=0.9,
        data=digest,
        served_sha256=digest,
        stem_sha256=digest,
    )
