"""The probe: a store that keeps its promises passes and stays clean; each broken promise is named."""

import gzip
import logging
import os
import re
import time
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from typer.testing import CliRunner

import flows.cli.sources.probe  # noqa: F401 - it registers itself
from flows.cli.app import app
from tasks.bucket.objects import Head, Stored
from tasks.bucket.probe import PREFIX, VALID_S, probe, probe_once
from tasks.bucket.store import Store
from tasks.errors import AlreadyThere, NotThere, StoreRefused, StoreUnavailable
from tasks.settings import Settings


@pytest.fixture
def settings(server):
    return server.settings("unused")


def test_a_store_that_keeps_its_promises_passes_and_stays_clean(server, settings):
    store = server.store()
    probe(store, settings)
    assert list(store.list(PREFIX)) == []


def test_a_bucket_that_is_not_there_is_named(server, settings):
    with pytest.raises(StoreRefused, match="bucket nowhere-at-all does not exist"):
        probe(server.store("nowhere-at-all"), settings)


@pytest.mark.integration
def test_wrong_credentials_are_named(rgw):
    bucket = rgw.store().bucket
    with pytest.raises(StoreRefused, match="AWS_SECRET_ACCESS_KEY"):
        probe(rgw.store(bucket, secret_access_key="wrong"), rgw.settings(bucket))


def test_a_server_that_is_not_there_is_unavailable(moto):
    with pytest.raises(StoreUnavailable, match="does not answer"):
        probe(moto.store("some-bucket", endpoint_url="http://127.0.0.1:9"), moto.settings("some-bucket"))


class Careless(Store):
    """Overwrites what it should only create."""

    def create(self, key: str, body: bytes) -> None:
        self.put(key, body)


class Unconditional(Store):
    """Answers every condition with 501, as a server that does not know them."""

    def _write(self, key: str, body: bytes, condition: dict[str, str]) -> None:
        if condition:
            with self._errors(key, condition):
                raise ClientError({"Error": {"Code": "NotImplemented"}}, "PutObject")
        super()._write(key, body, condition)


class Forgetful(Store):
    """Finds nothing that was just written."""

    def get(self, key: str, *, max_bytes: int = 0) -> Stored:
        raise NotThere(key)


class Mangling(Store):
    """Lists names as a proxy changed them."""

    def list(self, prefix: str, *, after: str = "", page: int = 1000):
        listed = super().list(prefix, after=after, page=page)
        return (item._replace(key=item.key.replace("+", " ")) for item in listed)


class Late(Store):
    """Lists what was written some time ago."""

    def list(self, prefix: str, *, after: str = "", page: int = 1000):
        return islice(super().list(prefix, after=after, page=page), 3)


class Compressing(Store):
    """Gives bytes as a proxy encoded them."""

    def get(self, key: str, *, max_bytes: int = 0) -> Stored:
        body, etag = super().get(key)
        return Stored(gzip.compress(body), etag)


class Misjudging(Store):
    """Tells another size than an object has."""

    def head(self, key: str) -> Head | None:
        found = super().head(key)
        return found and found._replace(size_bytes=0)


class Forbidding(Store):
    """Answers a condition that does not hold with 403."""

    def _write(self, key: str, body: bytes, condition: dict[str, str]) -> None:
        try:
            super()._write(key, body, condition)
        except AlreadyThere:
            with self._errors(key, condition):
                raise ClientError(
                    {"Error": {"Code": "FileAlreadyExists"}, "ResponseMetadata": {"HTTPStatusCode": 403}},
                    "PutObject",
                ) from None


class Ahead(Store):
    """Lives ten minutes in the future."""

    @property
    def clock(self) -> datetime:
        return super().clock + timedelta(minutes=10)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (
            Careless,
            "16 of 16 writers created.*If-None-Match.*GRASP_SINGLE_PUBLISHER and GRASP_SINGLE_WORKER",
        ),
        (Unconditional, "may not heed If-None-Match.*GRASP_SINGLE_PUBLISHER and GRASP_SINGLE_WORKER"),
        (Forgetful, "not found right after it was written"),
        (Mangling, "check AWS_ENDPOINT_URL and GRASP_S3_ADDRESSING"),
        (Late, "3 of 5 objects are listed right after they were written"),
        (Compressing, "HEAD tells 5, and 25 came back, others.*Content-Encoding"),
        (Misjudging, "HEAD tells 0, and 5 came back, the same"),
        (
            Forbidding,
            "refuses conditional writes, while plain ones work.*403 FileAlreadyExists.*GRASP_SINGLE",
        ),
    ],
)
def test_a_broken_promise_is_refused_by_its_name(moto, kind: type[Store], said: str):
    store = moto.store()
    store.__class__ = kind
    with pytest.raises(StoreRefused, match=said):
        probe(store, moto.settings(store.bucket))
    store.__class__ = Store
    assert list(store.list(PREFIX)) == []


def test_a_store_is_not_told_to_check_credentials_that_are_right(moto):
    store = moto.store()
    store.__class__ = Forbidding
    with pytest.raises(StoreRefused) as caught:
        probe(store, moto.settings(store.bucket))
    assert "AWS_ACCESS_KEY_ID" not in str(caught.value)


def test_a_server_that_lists_as_in_version_1_is_refused(moto):
    def as_in_version_1(request, **_: object) -> None:
        request.url = re.sub(r"(list-type|start-after|continuation-token)=[^&]*&?", "", request.url)

    store = moto.store()
    store._client.meta.events.register("before-send.s3.ListObjectsV2", as_in_version_1)
    with pytest.raises(StoreRefused, match="does not go on; needs a server with ListObjectsV2"):
        probe(store, moto.settings(store.bucket))


def test_a_careless_store_serves_one_publisher_with_one_worker(moto, caplog):
    store = moto.store()
    store.__class__ = Careless
    with caplog.at_level(logging.WARNING):
        probe(store, moto.settings(store.bucket, single_publisher=True, single_worker=True))
    assert "not kept apart" in caplog.text
    with pytest.raises(StoreRefused):
        probe(store, moto.settings(store.bucket, single_publisher=True))


def test_a_store_without_conditions_serves_one_publisher_with_one_worker(moto):
    alone = {"single_publisher": True, "single_worker": True}
    store = moto.store(**alone)
    store.__class__ = Unconditional
    probe(store, moto.settings(store.bucket, **alone))
    store.create("k", b"mine")
    with pytest.raises(AlreadyThere):
        store.create("k", b"other")
    assert store.get("k").body == b"mine"


def test_a_clock_that_is_off_is_told(moto, caplog):
    store = moto.store()
    store.__class__ = Ahead
    with caplog.at_level(logging.WARNING):
        probe(store, moto.settings(store.bucket))
    assert re.search(r"clock is -(599|600) s off", caplog.text)  # the store tells whole seconds


def test_a_worker_probes_once_a_day(moto, tmp_path: Path):
    store = moto.store()
    settings = Settings(
        _env_file=None,
        bucket=store.bucket,
        endpoint_url=moto.endpoint_url,
        mlflow_tracking_uri="http://127.0.0.1:5000",
        cache_dir=tmp_path,
    )
    probe_once(store, settings)
    store.__class__ = Careless
    probe_once(store, settings)  # believed for a day
    (mark,) = (tmp_path / "probed").iterdir()
    os.utime(mark, (time.time() - VALID_S - 1,) * 2)
    with pytest.raises(StoreRefused):
        probe_once(store, settings)


@pytest.mark.parametrize("later", [{"single_worker": False}, {"addressing": "virtual"}, "a clock set back"])
def test_a_probe_is_believed_only_for_what_was_probed(moto, tmp_path: Path, later):
    store = moto.store()
    fields = {
        "bucket": store.bucket,
        "endpoint_url": moto.endpoint_url,
        "mlflow_tracking_uri": "http://127.0.0.1:5000",
        "cache_dir": tmp_path,
        "single_publisher": True,
        "single_worker": later == {"single_worker": False},
    }
    probe_once(store, Settings(_env_file=None, **fields))
    if isinstance(later, str):
        (mark,) = (tmp_path / "probed").iterdir()
        os.utime(mark, (time.time() + 3600,) * 2)
        later = {}
    store.__class__ = Careless
    with pytest.raises(StoreRefused):
        probe_once(store, Settings(_env_file=None, **fields | later))


def test_virtual_addresses_can_be_chosen(moto):
    store = moto.store("some-bucket", endpoint_url="http://s3.example.org", addressing="virtual")
    url = store._client.generate_presigned_url("get_object", Params={"Bucket": "some-bucket", "Key": "k"})
    assert url.startswith("http://some-bucket.s3.example.org/k")


@pytest.mark.parametrize(
    ("alone", "said"), [("true", "one publisher and one worker"), ("", "conditional writes")]
)
def test_the_command_claims_what_was_tried(moto, monkeypatch: pytest.MonkeyPatch, alone: str, said: str):
    fields = moto.settings(moto.store().bucket)
    for name, value in {
        "GRASP_BUCKET": fields.bucket,
        "AWS_ENDPOINT_URL": fields.endpoint_url,
        "AWS_ACCESS_KEY_ID": fields.access_key_id,
        "AWS_SECRET_ACCESS_KEY": fields.secret_access_key.get_secret_value(),
        "GRASP_SINGLE_PUBLISHER": alone,
        "GRASP_SINGLE_WORKER": alone,
    }.items():
        monkeypatch.setenv(name, value)
    done = CliRunner().invoke(app, ["probe"], catch_exceptions=False)
    assert re.search(f"is fit: .*{said}", done.output)
