"""Verified files: what is not as declared leaves nothing behind; what is cached is checked and bounded."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tasks.bucket.store import Store
from tasks.contracts.keys import blob_key
from tasks.contracts.manifest import Weights
from tasks.errors import BadArrival, BlobChanged, NotThere
from tasks.private import private_directory, sweep
from tasks.weights.blobs import evict, fetch_weights


def weights(content: bytes, **changes: object) -> Weights:
    sha256 = hashlib.sha256(content).hexdigest()
    fields = {"sha256": sha256, "size_bytes": len(content), "key": blob_key(sha256)}
    return Weights.model_construct(**fields | changes)


def put(store: Store, content: bytes) -> Weights:
    found = weights(content)
    store.put(found.key, content)
    return found


def left(directory: Path) -> list[str]:
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*") if not path.is_dir())


def test_a_blob_is_fetched_once_and_then_served_from_the_cache(store: Store, tmp_path: Path):
    wanted = put(store, b"content")
    first = fetch_weights(store, wanted, cache_dir=tmp_path)
    store.delete(wanted.key)
    assert fetch_weights(store, wanted, cache_dir=tmp_path) == first
    assert first.read_bytes() == b"content"
    assert left(tmp_path) == [f"blobs/{wanted.sha256}.safetensors"]


def test_only_this_user_may_enter_the_cache_and_nobody_writes_to_a_blob(store: Store, tmp_path: Path):
    path = fetch_weights(store, put(store, b"content"), cache_dir=tmp_path)
    assert path.parent.stat().st_mode & 0o077 == 0
    assert path.stat().st_mode & 0o777 == 0o400


@pytest.mark.parametrize(
    ("declared", "code"),
    [
        ({"size_bytes": 3}, "blob_size"),
        ({"sha256": "0" * 64}, "blob_digest"),
    ],
)
def test_what_is_not_as_declared_is_refused_and_leaves_nothing(store, tmp_path, declared, code):
    put(store, b"content")
    with pytest.raises(BadArrival) as caught:
        fetch_weights(store, weights(b"content", **declared), cache_dir=tmp_path)
    assert caught.value.code == code
    assert caught.value.object == blob_key(hashlib.sha256(b"content").hexdigest())
    assert left(tmp_path) == []
    assert list((tmp_path / "blobs").iterdir()) == []


@pytest.mark.parametrize("content", [None, b"cont"])
def test_a_blob_that_went_away_or_shrank_is_waited_for_and_leaves_nothing(store, tmp_path, content):
    wanted = weights(b"content")
    if content is not None:
        store.put(wanted.key, content)
    with pytest.raises(BlobChanged, match="waits for its blob again"):
        fetch_weights(store, wanted, cache_dir=tmp_path)
    assert list((tmp_path / "blobs").iterdir()) == []


@pytest.mark.parametrize("damage", ["flip", "cut", "link", "directory"])
def test_a_cached_file_that_is_no_longer_what_it_was_is_fetched_anew(store, tmp_path: Path, damage: str):
    wanted = put(store, b"content")
    path = fetch_weights(store, wanted, cache_dir=tmp_path)
    if damage != "directory":
        path.chmod(0o600)
    if damage == "flip":
        path.write_bytes(b"CONTENT")
    elif damage == "cut":
        path.write_bytes(b"cont")
    elif damage == "link":
        (tmp_path / "elsewhere").write_bytes(b"content")
        path.unlink()
        path.symlink_to(tmp_path / "elsewhere")
    else:
        return
    again = fetch_weights(store, wanted, cache_dir=tmp_path)
    assert again.read_bytes() == b"content"
    assert not again.is_symlink()


def test_a_link_in_the_cache_is_replaced_and_what_it_names_left_alone(store: Store, tmp_path: Path):
    wanted = put(store, b"content")
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    (tmp_path / "blobs").mkdir()
    (tmp_path / "blobs" / f"{wanted.sha256}.safetensors").symlink_to(victim)
    fetch_weights(store, wanted, cache_dir=tmp_path)
    assert victim.read_bytes() == b"precious"


def test_the_least_recently_used_blobs_make_room(store: Store, tmp_path: Path):
    old, used, new = (put(store, bytes([n]) * 1000) for n in range(3))
    paths = [fetch_weights(store, blob, cache_dir=tmp_path) for blob in (old, used)]
    for age_s, path in zip((200, 300), paths, strict=True):
        os.utime(path, (time.time() - age_s,) * 2)
    fetch_weights(store, used, cache_dir=tmp_path)  # makes it the most recent
    fetch_weights(store, new, cache_dir=tmp_path, limit_bytes=2500)
    assert {path.stem for path in (tmp_path / "blobs").iterdir()} == {used.sha256, new.sha256}


def test_a_blob_larger_than_the_limit_is_still_fetched(store: Store, tmp_path: Path):
    small, large = put(store, b"s" * 10), put(store, b"l" * 1000)
    fetch_weights(store, small, cache_dir=tmp_path, limit_bytes=100)
    assert fetch_weights(store, large, cache_dir=tmp_path, limit_bytes=100).is_file()
    assert [path.stem for path in (tmp_path / "blobs").iterdir()] == [large.sha256]


def test_a_map_of_an_evicted_blob_goes_on(store: Store, tmp_path: Path):
    path = fetch_weights(store, put(store, b"x" * 100), cache_dir=tmp_path)
    with path.open("rb") as file:
        evict(path.parent, down_to_bytes=0)
        assert file.read() == b"x" * 100


KILLED = """
import os, sys, pathlib
sys.path.insert(0, sys.argv[2])
from tasks.private import private_directory
with private_directory(pathlib.Path(sys.argv[1])) as path:
    (path / "part").write_bytes(b"half")
    print(path, flush=True)
    sys.stdin.read()
"""


def test_what_a_killed_process_left_is_swept_and_a_living_ones_is_not(tmp_path: Path):
    root = str(Path(__file__).parents[3])
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path), root], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    path = Path(child.stdout.readline().decode().strip())
    sweep(tmp_path, grace_s=-1)
    assert (path / "part").is_file()
    child.send_signal(signal.SIGKILL)
    child.wait()
    sweep(tmp_path)
    assert path.is_dir()  # younger than the grace: perhaps its process has not locked it yet
    sweep(tmp_path, grace_s=-1)
    assert not path.exists()


def test_a_private_directory_is_gone_afterwards_even_after_an_error(tmp_path: Path):
    def fail() -> None:
        with private_directory(tmp_path / "work") as path:
            (path / "file").write_bytes(b"x")
            assert path.stat().st_mode & 0o077 == 0
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert list((tmp_path / "work").iterdir()) == []


class Vanishing:
    """A store whose objects go away between a look and the download."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str):
        return getattr(self._store, name)

    def download(self, key: str, *_args: object, **_kwargs: object):
        raise NotThere(f"{key}: is not there")


def test_a_blob_that_goes_away_meanwhile_is_waited_for_again_and_leaves_nothing(store: Store, tmp_path: Path):
    wanted = put(store, b"content")
    with pytest.raises(BlobChanged, match="was there and is no longer; it waits for its blob again"):
        fetch_weights(Vanishing(store), wanted, cache_dir=tmp_path)
    assert left(tmp_path) == []
