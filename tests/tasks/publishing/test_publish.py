"""Publishing: blob first, manifest last; the same again is no error, other content is refused."""

import hashlib
import json
from pathlib import Path

import pytest

from tasks.bucket.objects import Head, Stored
from tasks.bucket.store import Store
from tasks.contracts import keys
from tasks.contracts.manifest import Manifest
from tasks.contracts.reading import read_document
from tasks.errors import AlreadyThere, InvalidDocument, StoreRefused
from tasks.publishing.publish import publish, weights_of


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "w.safetensors"
    path.write_bytes(b"weights")
    return path


@pytest.fixture
def describe(bucket):
    """Give the manifest of a file."""

    def manifest(path: Path, **changes: object) -> Manifest:
        fields = bucket.manifest(**changes) | {"weights": weights_of(path).model_dump()}
        return Manifest.model_validate_json(json.dumps(fields))

    return manifest


class Refusing(Store):
    """A store that refuses writes below a prefix, as a policy does."""

    refused = ""

    def put(self, key: str, body: bytes) -> None:
        if key.startswith(self.refused):
            raise StoreRefused(f"{key}: denied")
        super().put(key, body)


def test_a_publication_is_a_blob_a_manifest_and_a_notice(store: Store, file: Path, describe):
    manifest = describe(file)
    published = publish(store, file, manifest=manifest)
    assert published.new
    assert published.arrival_id == keys.arrival_id("manifests/digits/2014/1.json")
    assert store.get(manifest.weights.key).body == b"weights"
    body = store.get(manifest.key).body
    assert read_document(Manifest, body, name="m") == manifest
    assert b"null" not in body
    (notice,) = store.list(keys.NOTICES)
    assert notice.key == keys.notice_key(store.clock, published.arrival_id)
    assert notice.size_bytes == 0


def test_publishing_the_same_again_says_so_and_uploads_nothing(store: Store, file: Path, describe):
    publish(store, file, manifest=describe(file))
    store_had = {item.key: item.modified for item in store.list("manifests/")}
    sent: list[int] = []
    again = publish(store, file, manifest=describe(file, publisher="me"), progress=sent.append)
    assert (again.new, sent) == (False, [])
    assert {item.key: item.modified for item in store.list("manifests/")} == store_had


def test_other_content_under_a_taken_rev_is_refused_before_anything_travels(store, file: Path, describe):
    publish(store, file, manifest=describe(file))
    file.write_bytes(b"other")
    with pytest.raises(AlreadyThere, match=r"manifests/digits/2014/1\.json holds another source.*rev 2"):
        publish(store, file, manifest=describe(file))
    assert store.get("manifests/digits/2014/1.json").body.count(
        hashlib.sha256(b"weights").hexdigest().encode()
    )
    assert [item.size_bytes for item in store.list(keys.BLOBS)] == [7]


class WriteOnly(Store):
    """A store that lets nothing be read, as a policy that only allows to create."""

    def head(self, key: str) -> Head | None:
        raise StoreRefused(f"{key}: denied")

    def get(self, key: str, *, max_bytes: int = 0) -> Stored:
        raise StoreRefused(f"{key}: denied")


def test_who_may_not_read_what_is_there_is_told_that_it_may_be_this_one(store: Store, file: Path, describe):
    publish(store, file, manifest=describe(file))
    store.__class__ = WriteOnly
    with pytest.raises(AlreadyThere, match=r"1\.json is taken.*denied.*this very source.*rev 2"):
        publish(store, file, manifest=describe(file, publisher="me"))


def test_a_manifest_of_a_newer_schema_is_another_source(store, file: Path, describe):
    store.put("manifests/digits/2014/1.json", b'{"schema_version": 3}')
    with pytest.raises(AlreadyThere, match="holds another source"):
        publish(store, file, manifest=describe(file))


@pytest.mark.parametrize("there", [b"junk", b"<!DOCTYPE html><html>log in</html>", b"{}"])
def test_what_is_no_manifest_is_not_called_another_source(store, file: Path, describe, there: bytes):
    store.put("manifests/digits/2014/1.json", there)
    with pytest.raises(AlreadyThere, match=r"no manifest \(.*AWS_ENDPOINT_URL.*rev 2") as caught:
        publish(store, file, manifest=describe(file))
    assert "another source" not in str(caught.value)


def test_a_blob_that_was_cut_short_is_replaced(store: Store, file: Path, describe):
    manifest = describe(file)
    store.put(manifest.weights.key, b"wei")
    publish(store, file, manifest=manifest)
    assert store.get(manifest.weights.key).body == b"weights"


def test_a_file_that_changes_meanwhile_gets_no_manifest(store: Store, file: Path, describe):
    manifest = describe(file)
    with pytest.raises(InvalidDocument, match="changed while it was uploaded"):
        publish(store, file, manifest=manifest, progress=lambda _: file.write_bytes(b"other bytes") and None)
    assert store.head(manifest.key) is None


def test_an_empty_file_is_refused(tmp_path: Path):
    (tmp_path / "empty").touch()
    with pytest.raises(InvalidDocument, match="is empty"):
        weights_of(tmp_path / "empty")


def test_a_notice_that_is_denied_does_not_undo_a_publication(store: Store, file: Path, describe):
    store.__class__ = Refusing
    Refusing.refused = keys.NOTICES
    assert publish(store, file, manifest=describe(file)).new
    assert list(store.list(keys.NOTICES)) == []
    assert store.head("manifests/digits/2014/1.json")


def test_what_was_published_is_ready(bucket, file: Path, describe):
    published = publish(bucket.store, file, manifest=describe(file))
    assert [arrival.id for arrival in bucket.watch().ready] == [published.arrival_id]
