"""The gateway dies by kill -9 in the middle of everything: nothing is lost, nothing is done twice."""

import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path

import pytest
import torch
from botocore.response import StreamingBody

from tasks.arrivals.refuse import refuse_arrival
from tasks.arrivals.triage import triage
from tasks.bucket.downloads import CHUNK_BYTES
from tasks.bucket.store import Store
from tasks.contracts import keys
from tasks.contracts.journal import Accepted, Decided
from tasks.contracts.manifest import Manifest, Weights
from tasks.errors import StoreUnavailable, TransientError
from tasks.journal.log import Journal
from tasks.publishing.publish import publish, weights_of
from tasks.weights.blobs import fetch_weights
from tasks.weights.intake import take_in
from tests.tasks.arrivals.bad_arrivals import good
from tests.tasks.conftest import Bucket

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]
KILLS = 4


@pytest.fixture
def box(rgw) -> Bucket:
    return Bucket(rgw.store())


@pytest.fixture
def patiently() -> Callable:
    """Repeat what fails because the store is away, as flows do; count how often it was."""
    away: list[Exception] = []

    def run(action: Callable[[], object], within_s: float = 120) -> object:
        deadline = time.monotonic() + within_s
        while True:
            try:
                return action()
            except TransientError as error:
                away.append(error)
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    run.away = away
    return run


@pytest.fixture
def killer(rgw) -> Iterator[Callable[[Callable[[], bool]], threading.Thread]]:
    """Kill the gateway some times while something goes on, and bring it back each time."""
    threads: list[threading.Thread] = []

    def start(is_done: Callable[[], bool]) -> threading.Thread:
        def kill() -> None:
            for _ in range(KILLS):
                time.sleep(0.7)
                if is_done():
                    return
                rgw.control("kill")
                time.sleep(0.5)
                rgw.control("gateway")

        threads.append(threading.Thread(target=kill))
        threads[-1].start()
        return threads[-1]

    yield start
    for thread in threads:
        thread.join()


def test_an_upload_that_is_cut_off_leaves_no_blob_and_succeeds_when_it_is_repeated(
    rgw, box: Bucket, tmp_path: Path, patiently
):
    file = tmp_path / "w"
    file.write_bytes(os.urandom(80 * 1024 * 1024))
    fields = box.manifest("2014") | {"weights": weights_of(file).model_dump()}
    manifest = Manifest.model_validate(fields, strict=False)
    killed = threading.Event()

    def kill_in_the_middle(_: int) -> None:
        if not killed.is_set():
            killed.set()
            rgw.control("kill")

    with pytest.raises(StoreUnavailable):
        publish(box.store, file, manifest=manifest, progress=kill_in_the_middle)
    rgw.control("gateway")
    assert patiently(lambda: box.store.head(manifest.weights.key)) is None
    assert box.store.head(manifest.key) is None
    assert publish(box.store, file, manifest=manifest).new
    got = box.store.download(manifest.weights.key, tmp_path / "back", max_bytes=2**30)
    assert got.sha256 == manifest.weights.sha256


class DyingBody:
    """The body of an answer, whose server dies and comes back when some chunks of it were read."""

    def __init__(self, body: StreamingBody, chunks: int, die: Callable[[], None]) -> None:
        self._body, self._chunks, self._die = body, chunks, die

    def iter_chunks(self, size: int) -> Iterator[bytes]:
        chunks = self._body.iter_chunks(size)
        yield from islice(chunks, self._chunks)
        self._die()
        yield from chunks


@pytest.mark.parametrize("chunks", [0, 8])
def test_a_download_goes_on_where_it_was_cut_off(rgw, box: Bucket, tmp_path: Path, chunks: int):
    content = os.urandom(64 * 1024 * 1024)
    sha256 = hashlib.sha256(content).hexdigest()
    weights = Weights(sha256=sha256, size_bytes=len(content), key=keys.blob_key(sha256))
    (tmp_path / "up").write_bytes(content)
    box.store.upload(tmp_path / "up", weights.key)
    starts: list[int] = []

    def answered(parsed: dict, **_: object) -> None:
        start = parsed.get("ContentRange", "bytes 0-")
        starts.append(int(start.removeprefix("bytes ").partition("-")[0]))
        if len(starts) == 1:
            parsed["Body"] = DyingBody(
                parsed["Body"], chunks, lambda: (rgw.control("kill"), rgw.control("gateway"))
            )

    box.store._client.meta.events.register("after-call.s3.GetObject", answered)
    path = fetch_weights(box.store, weights, cache_dir=tmp_path / "cache")
    assert hashlib.sha256(path.read_bytes()).hexdigest() == sha256
    assert len(starts) == 2
    assert chunks * CHUNK_BYTES <= starts[1] < len(content)


def test_watch_and_absorb_lose_nothing_and_do_nothing_twice(
    rgw, box: Bucket, tmp_path: Path, patiently, killer
):
    torch.set_num_threads(1)
    total, finished = 30, threading.Event()
    published: list[str] = []

    def write() -> None:
        writer = Bucket(rgw.store(box.store.bucket))
        for year in range(2000, 2000 + total):
            published.append(patiently(lambda year=year: writer.publish(str(year), blob=good())))

    def absorb() -> None:
        store: Store = rgw.store(box.store.bucket)
        while not finished.is_set():
            patiently(lambda: look_and_decide(store))

    def look_and_decide(store: Store) -> None:
        journal = Journal(store, box.target.name, by="absorb")
        for arrival in triage(store, box.target, journal, pending_limit=timedelta(days=1), enough=5).ready:
            take_in(store, arrival.manifest.weights, box.target.architecture, cache_dir=tmp_path)
            refuse_arrival(journal, arrival.id, _decided())

    threads = [
        threading.Thread(target=write),
        threading.Thread(target=absorb),
        threading.Thread(target=absorb),
    ]
    for thread in threads:
        thread.start()
    killer(lambda: False)
    threads[0].join()
    reader = Journal(rgw.store(box.store.bucket), box.target.name, by="test")
    deadline = time.monotonic() + 240
    while len(patiently(reader.state).closed) < total and time.monotonic() < deadline:
        time.sleep(0.5)
    finished.set()
    for thread in threads:
        thread.join()
    entries = patiently(lambda: list(reader.entries()))
    assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
    for kind in (Accepted, Decided):
        assert sorted(e.arrival_id for e in entries if isinstance(e, kind)) == sorted(published)
    assert list((tmp_path / "blobs").glob(".partial-*")) == []
    assert patiently.away  # the gateway really was away


def _decided():
    from tasks.errors import BadArrival

    return BadArrival("loss", object="o", found="f", needed="n")
