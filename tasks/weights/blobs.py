"""Verified files on this worker: downloaded to a private name, checked, fsynced, then renamed."""

import hashlib
import os
import stat
from pathlib import Path

from tasks.bucket.store import Store
from tasks.contracts.manifest import Weights
from tasks.disk import disk_trouble
from tasks.errors import BadArrival, BlobChanged, NoSpace, NotThere, StoreRefused
from tasks.private import private_directory

SUFFIX = ".safetensors"


def fetch_weights(store: Store, weights: Weights, *, cache_dir: Path, limit_bytes: int | None = None) -> Path:
    """Give a verified local copy of a blob, from the cache when it is there (and verified again).

    limit_bytes: of all cached blobs; the least recently used go first, this one stays.
    Raises BadArrival when size or SHA-256 are not as declared, BlobChanged when the blob went away, NoSpace.
    """
    path = cache_dir / "blobs" / f"{weights.sha256}{SUFFIX}"
    if is_intact(path, sha256=weights.sha256, size_bytes=weights.size_bytes):
        os.utime(path)
        return path
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if limit_bytes is not None:
        evict(path.parent, down_to_bytes=limit_bytes - weights.size_bytes)
    fetch_file(store, weights.key, path, sha256=weights.sha256, size_bytes=weights.size_bytes)
    return path


def evict(directory: Path, *, down_to_bytes: int) -> None:
    """Delete the least recently used blobs until the rest fits."""
    with os.scandir(directory) as entries:
        found = [
            (entry, entry.stat(follow_symlinks=False)) for entry in entries if entry.name.endswith(SUFFIX)
        ]
    blobs = sorted((about.st_mtime, about.st_size, entry.path) for entry, about in found)
    total = sum(size for _, size, _ in blobs)
    for _, size, blob in blobs:
        if total <= down_to_bytes:
            return
        Path(blob).unlink(missing_ok=True)  # whoever has it mapped keeps it until the map is closed
        total -= size


def fetch_file(store: Store, key: str, path: Path, *, sha256: str, size_bytes: int) -> None:
    """Download an object to path, verified; nothing is left at path or beside it when it is not as declared.

    Raises BadArrival (blob_size, blob_digest), BlobChanged when it is absent, shorter, or the store does not
    give it out, NoSpace.
    """
    with private_directory(path.parent) as private:
        part = private / "part"
        try:
            got = store.download(key, part, max_bytes=size_bytes)
        except NotThere as error:
            raise BlobChanged(f"{key}: was there and is no longer; it waits for its blob again") from error
        except StoreRefused as error:
            raise BlobChanged(f"{error}; the attempt counts, others go on") from error
        except OSError as error:
            if (trouble := disk_trouble(error)) is None:
                raise
            raise NoSpace(
                f"{path.parent}: no space for {key} ({size_bytes} bytes): {trouble}; it is tried again"
            ) from error
        if got.size_bytes < size_bytes:
            raise BlobChanged(
                f"{key}: is {got.size_bytes} bytes, needs {size_bytes}; it waits for its blob again"
            )
        if got.size_bytes > size_bytes:
            found = f"at least {got.size_bytes} bytes"
            raise BadArrival("blob_size", object=key, found=found, needed=f"{size_bytes} bytes")
        if got.sha256 != sha256:
            raise BadArrival(
                "blob_digest", object=key, found=f"SHA-256 {got.sha256}", needed=f"SHA-256 {sha256}"
            )
        part.chmod(0o400)
        part.replace(path)
    _sync_directory(path.parent)


def is_intact(path: Path, *, sha256: str, size_bytes: int) -> bool:
    """Say whether a cached file is a file of ours, and still what it was: every byte of it is read."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return False
    with os.fdopen(handle, "rb") as file:
        found = os.fstat(handle)
        plain = stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid()
        if not plain or found.st_size != size_bytes:
            return False
        return hashlib.file_digest(file, "sha256").hexdigest() == sha256


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
