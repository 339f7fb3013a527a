"""Publishing a source: blob first, manifest last (the commit), then a notice (a hint)."""

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tasks.bucket.objects import Head
from tasks.bucket.store import Store
from tasks.contracts import keys
from tasks.contracts.manifest import Manifest, Weights
from tasks.contracts.reading import read_document
from tasks.contracts.writing import document_bytes
from tasks.errors import AlreadyThere, GraspError, InvalidDocument, NewerSchema, StoreRefused

log = logging.getLogger(__name__)

_BESIDE = {"created_at", "publisher", "metrics"}  # may differ when the same source is published again


@dataclass(frozen=True, kw_only=True, slots=True)
class Published:
    """A source that is in the bucket; new is False when it was there before, the same in content."""

    arrival_id: str
    key: str
    new: bool


def is_taken(store: Store, key: str) -> bool:
    """Say whether a manifest is there; False where we may not look."""
    return _look(store, key) is not None


def weights_of(path: Path) -> Weights:
    """Describe a weights file: digest, size in bytes, and the key of its blob. Raises InvalidDocument."""
    size = path.stat().st_size
    if size == 0:
        raise InvalidDocument(f"{path}: is empty, needs weights; nothing was published")
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return Weights(sha256=sha256, size_bytes=size, key=keys.blob_key(sha256))


def publish(
    store: Store, path: Path, *, manifest: Manifest, progress: Callable[[int], None] | None = None
) -> Published:
    """Upload weights and commit them with a manifest; progress gets the bytes sent since its last call.

    manifest.weights: of this file as it is now. Raises AlreadyThere when the (series, period, rev) holds
    other content, nothing is overwritten then; InvalidDocument when the manifest is too large, or the file
    changed meanwhile.
    """
    body = document_bytes(manifest, name=manifest.key)
    new = not is_taken(store, manifest.key)
    if not new:
        _check_same(store, manifest)  # before gigabytes travel
    _upload_blob(store, path, manifest.weights, progress)
    try:
        store.create(manifest.key, body)
    except AlreadyThere:
        _check_same(store, manifest)
        new = False
    arrival = keys.arrival_id(manifest.key)
    _leave_notice(store, arrival)
    return Published(arrival_id=arrival, key=manifest.key, new=new)


def _upload_blob(store: Store, path: Path, weights: Weights, progress: Callable[[int], None] | None) -> None:
    there = _look(store, weights.key)
    if there and there.size_bytes == weights.size_bytes:
        return
    before = path.stat()
    try:
        store.upload(path, weights.key, over=there.etag if there else None, progress=progress)
    except AlreadyThere:
        there = _look(store, weights.key)
        if there and there.size_bytes != weights.size_bytes:
            raise
    after = path.stat()
    if (before.st_mtime_ns, before.st_size) != (after.st_mtime_ns, after.st_size):
        raise InvalidDocument(f"{path}: changed while it was uploaded; no manifest was written")


def _look(store: Store, key: str) -> Head | None:
    """Look at an object; None when it is not there or we may not look: creating it tells the rest."""
    try:
        return store.head(key)
    except StoreRefused:
        return None


def _check_same(store: Store, manifest: Manifest) -> None:
    try:
        there = read_document(Manifest, store.get(manifest.key).body, name=manifest.key)
    except StoreRefused as error:
        raise AlreadyThere(
            f"{manifest.key} is taken and could not be read ({error}); nothing was overwritten; it may hold "
            f"this very source, published before, else publish this one under rev {manifest.rev + 1}"
        ) from error
    except InvalidDocument as error:
        raise AlreadyThere(
            f"{manifest.key} is taken by what is no manifest ({error}); nothing was overwritten; a proxy may "
            f"have given it: check AWS_ENDPOINT_URL, else publish this one under rev {manifest.rev + 1}"
        ) from error
    except NewerSchema:
        there = None  # it is none that we would write
    if there is None or there.model_dump(exclude=_BESIDE) != manifest.model_dump(exclude=_BESIDE):
        raise AlreadyThere(
            f"{manifest.key} holds another source; nothing was overwritten; publish this one under rev "
            f"{manifest.rev + 1}"
        )


def _leave_notice(store: Store, arrival: str) -> None:
    try:
        store.put(keys.notice_key(store.clock, arrival), b"")
    except GraspError as error:
        log.warning("no notice was left, so the source may be noticed some minutes later: %s", error)
