"""Every bad arrival ends in a decision that a person understands, and hurts nobody beside it."""

import hashlib
import http.client
import threading
import urllib.parse
from datetime import timedelta
from pathlib import Path

import pytest
import torch

from tasks.arrivals.refuse import refuse_arrival
from tasks.bucket.store import Store
from tasks.contracts import keys
from tasks.contracts.journal import Decided
from tasks.contracts.manifest import Weights
from tasks.errors import BadArrival, BlobChanged, StoreRefused
from tasks.weights.blobs import fetch_weights
from tasks.weights.intake import take_in
from tests.tasks.arrivals.bad_arrivals import CASES, Case, Shelf, good


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture
def run(bucket, tmp_path: Path):
    """Watch, then take every ready arrival in as an absorb does; gives the ids that it took."""

    def look(limit: timedelta = timedelta(hours=24)) -> list[str]:
        taken = []
        for arrival in bucket.watch(limit=limit).ready:
            try:
                take_in(
                    bucket.store, arrival.manifest.weights, bucket.target.architecture, cache_dir=tmp_path
                )
            except BadArrival as error:
                refuse_arrival(bucket.journal, arrival.id, error)
            else:
                taken.append(arrival.id)
        return taken

    return look


def files(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.rglob("*") if not path.is_dir())


@pytest.mark.slow  # a hundred watches; below, one watch sees all of them at once
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_bad_arrival_is_decided_with_a_reason_and_a_good_one_beside_it_is_taken(
    bucket, run, tmp_path: Path, case: Case
):
    bad = case.publish(bucket)
    beside = bucket.publish("2015", blob=good(1))
    assert run() == [beside]
    if case.late:
        assert bucket.decided(bad) is None
        assert run(timedelta(0)) == [beside]
    decided = bucket.decided(bad)
    assert decided is not None
    assert (decided.decision, decided.reason_code) == (case.decision, case.code)
    reason = decided.reason
    assert all(
        part and part.isprintable() for part in (reason.object, reason.found, reason.needed, reason.next)
    )
    assert case.says in f"{reason.object} {reason.found} {reason.needed}"
    assert len(reason.found) <= 4000
    assert files(tmp_path) == [f"{digest_of(good(1))}.safetensors"]
    assert run() == [beside]  # nothing more is said of it
    assert sum(isinstance(entry, Decided) for entry in bucket.entries()) == 1


def digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.mark.slow
def test_all_bad_arrivals_at_once_hold_nothing_back(bucket, run):
    """Each under a period of its own, in one watch."""
    published = {}
    cases = [case for case in CASES if not case.code.startswith("blob_")]  # those share one blob
    for number, case in enumerate(cases):
        shelf = Shelf(bucket, f"{1000 + number}")
        published[case.publish(shelf)] = case
    beside = bucket.publish("2015", blob=good(1))
    assert run() == [beside]
    decided = {entry.arrival_id: entry for entry in bucket.entries() if isinstance(entry, Decided)}
    assert set(decided) == set(published)
    wrong = {
        case.name: decided[arrival].reason_code
        for arrival, case in published.items()
        if decided[arrival].reason_code != case.code
    }
    assert wrong == {}


@pytest.mark.parametrize(
    "raw",
    [
        b"manifests/digits/20\xff14/1.json",
        b"manifests/digits/\xc3\x28/1.json",
        b"manifests/digits/\x00/1.json",
    ],
)
def test_a_key_that_is_no_text_is_a_stray_at_most(bucket, run, moto, raw: bytes):
    address = urllib.parse.urlsplit(moto.endpoint_url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
    connection.request("PUT", f"/{bucket.store.bucket}/{urllib.parse.quote(raw)}", body=b"{}")
    connection.getresponse().read()
    beside = bucket.publish("2015", blob=good(1))
    assert run() == [beside]
    assert [entry.arrival_id for entry in bucket.entries()] == [beside]


@pytest.mark.parametrize("then", ["overwritten", "deleted"])
def test_a_decided_arrival_stays_decided_whatever_happens_to_its_manifest(bucket, run, then: str):
    bad = bucket.put_manifest("manifests/digits/2014/1.json", b"junk")
    run()
    if then == "deleted":
        bucket.store.delete("manifests/digits/2014/1.json")
    else:
        bucket.publish("2014", blob=good())
    beside = bucket.publish("2015", blob=good(1))
    assert run() == [beside]
    assert bucket.decided(bad).reason_code == "manifest_invalid"


def test_a_blob_that_is_far_too_large_is_not_fetched(bucket, tmp_path: Path):
    arrival = bucket.publish("2014", blob=good())
    (ready,) = bucket.watch().ready
    declared = ready.manifest.weights.model_copy(update={"size_bytes": 10**12})
    with pytest.raises(BadArrival, match="was not fetched") as caught:
        take_in(bucket.store, declared, bucket.target.architecture, cache_dir=tmp_path)
    refuse_arrival(bucket.journal, arrival, caught.value)
    assert bucket.decided(arrival).reason_code == "blob_size"
    assert files(tmp_path) == []


class Sealed(Store):
    """A store that gives some objects out to nobody, as it does with archived ones."""

    sealed: frozenset[str] = frozenset()

    def _check(self, key: str) -> None:
        if key in self.sealed:
            raise StoreRefused(f"s3://{self.bucket}/{key}: 403 InvalidObjectState")

    def head(self, key: str):
        self._check(key)
        return super().head(key)

    def get(self, key: str, *, max_bytes: int = 2**26):
        self._check(key)
        return super().get(key, max_bytes=max_bytes)

    def download(self, key: str, path: Path, *, max_bytes: int):
        self._check(key)
        return super().download(key, path, max_bytes=max_bytes)


def test_objects_that_the_store_gives_to_nobody_hold_nothing_back(bucket, run, caplog):
    unread, no_blob = bucket.publish("2012", blob=good(2)), bucket.publish("2013", blob=good(3))
    beside = bucket.publish("2015", blob=good(1))
    blob = keys.blob_key(hashlib.sha256(good(3)).hexdigest())
    bucket.store.__class__ = Sealed
    bucket.store.sealed = frozenset({"manifests/digits/2012/1.json", blob})
    found = bucket.watch()
    assert [arrival.id for arrival in found.ready] == [beside]
    assert "InvalidObjectState; it was not accepted" in caplog.text
    assert [(each.id, "no answer" in each.why) for each in found.delayed] == [(no_blob, True)]
    assert unread not in bucket.journal.last.open


def test_a_blob_that_can_be_seen_and_not_read_costs_an_attempt(bucket, tmp_path: Path):
    bucket.publish("2014", blob=good())
    (ready,) = bucket.watch().ready
    bucket.store.__class__ = Sealed
    bucket.store.sealed = frozenset({ready.manifest.weights.key})
    with pytest.raises(BlobChanged, match="the attempt counts, others go on"):
        take_in(bucket.store, ready.manifest.weights, bucket.target.architecture, cache_dir=tmp_path)
    assert files(tmp_path) == []


def test_a_blob_overwritten_between_look_and_download_is_found_out(bucket, tmp_path: Path):
    arrival = bucket.publish("2014", blob=good())
    (ready,) = bucket.watch().ready
    other = bytearray(good())
    other[-1] ^= 1
    bucket.store.put(ready.manifest.weights.key, bytes(other))
    with pytest.raises(BadArrival) as caught:
        take_in(bucket.store, ready.manifest.weights, bucket.target.architecture, cache_dir=tmp_path)
    refuse_arrival(bucket.journal, arrival, caught.value)
    assert bucket.decided(arrival).reason_code == "blob_digest"
    assert files(tmp_path) == []


@pytest.mark.integration
def test_a_blob_overwritten_again_and_again_is_never_taken_for_another(server, tmp_path: Path):
    """What comes out is the declared content or an error, on every server."""
    store = server.store()
    contents = [bytes([n]) * (9 * 1024 * 1024) for n in range(2)]
    sha256 = hashlib.sha256(contents[0]).hexdigest()
    weights = Weights(sha256=sha256, size_bytes=len(contents[0]), key=keys.blob_key(sha256))
    store.put(weights.key, contents[0])
    stop = threading.Event()

    def overwrite() -> None:
        other = server.store(store.bucket)
        while not stop.is_set():
            for content in reversed(contents):
                other.put(weights.key, content)

    writer = threading.Thread(target=overwrite)
    writer.start()
    outcomes = []
    try:
        for number in range(12):
            try:
                path = fetch_weights(store, weights, cache_dir=tmp_path / str(number))
            except (BadArrival, BlobChanged) as error:
                outcomes.append(type(error).__name__)
                assert files(tmp_path / str(number)) == []
            else:
                outcomes.append("intact")
                assert hashlib.sha256(path.read_bytes()).hexdigest() == sha256
    finally:
        stop.set()
        writer.join()
    assert set(outcomes) <= {"intact", "BadArrival", "BlobChanged"}
