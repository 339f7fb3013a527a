"""The S3 server of `grasp up`: what tasks/bucket's behaviour suite does not ask of every server."""

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tasks.bucket.client import client_of
from tasks.bucket.probe import probe
from tasks.errors import AlreadyThere, StoreRefused, StoreUnavailable
from tests.servers.fixtures import kept_in
from tests.servers.late import sent_after_the_answer

pytestmark = pytest.mark.slow  # each starts a server, or several
BIG = bytes(range(250)) * 12_000  # 3 MB, in which a place shows


@pytest.fixture
def client(kept):
    return client_of(kept.settings("any"))


@pytest.fixture
def bucket(kept):
    return kept.store().bucket


def test_it_is_fit_for_the_pipeline(kept):
    store = kept.store()
    probe(store, kept.settings(store.bucket))


def test_what_was_written_is_there_after_a_kill(tmp_path: Path):
    with kept_in(tmp_path) as server:
        store = server.store("grasp")
        store.create_bucket()
        store.create("small", b"1")
        store.put("big", BIG)
        store.put("big", BIG[::-1])
    with kept_in(tmp_path) as server:
        again = server.store("grasp")
        assert (again.get("small").body, again.get("big").body) == (b"1", BIG[::-1])
        with pytest.raises(AlreadyThere):
            again.create("small", b"2")
    assert len(list((tmp_path / "files").iterdir())) == 1


def test_a_server_that_is_killed_while_writers_write_loses_nothing_that_it_confirmed(tmp_path: Path):
    confirmed: set[str] = set()
    with kept_in(tmp_path) as server:
        store = server.store("grasp")
        store.create_bucket()
        numbers, enough = count(), threading.Event()

        def write(_: int) -> None:
            try:
                for number in numbers:
                    store.put(f"n/{number:06d}", b"%d" % number * 20_000)
                    confirmed.add(f"n/{number:06d}")
                    if number > 60:
                        enough.set()
            except StoreUnavailable:
                return

        pool = ThreadPoolExecutor(4)
        futures = [pool.submit(write, each) for each in range(4)]
        enough.wait(60)
    for future in futures:
        future.result()
    with kept_in(tmp_path) as server:
        store = server.store("grasp")
        there = {item.key: item for item in store.list("n/")}
        assert confirmed <= there.keys()
        for key in there:
            assert store.get(key).body == b"%d" % int(key[2:]) * 20_000


def test_what_a_crash_left_without_a_name_is_swept(tmp_path: Path):
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "half").write_bytes(b"half")
    with kept_in(tmp_path):
        assert list((tmp_path / "files").iterdir()) == []


def test_a_second_server_on_the_same_directory_is_refused(tmp_path: Path):
    with kept_in(tmp_path):
        command = [sys.executable, "-m", "deployments.s3.server", str(tmp_path), "--port", "1"]
        keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
        second = subprocess.run(command, env={**os.environ, **keys}, capture_output=True, text=True)
        assert second.returncode == 1
        assert "another server keeps" in second.stderr


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"access_key_id": "OTHER"}, "AWS_ACCESS_KEY_ID"),
        ({"secret_access_key": "OTHER"}, "AWS_SECRET_ACCESS_KEY"),
    ],
)
def test_other_keys_are_refused_by_name(kept, bucket: str, keys: dict[str, str], said: str):
    with pytest.raises(StoreRefused, match=said):
        kept.store(bucket, **keys).put("k", b"1")


def test_of_writers_that_replace_one_version_exactly_one_wins(client, bucket: str):
    client.put_object(Bucket=bucket, Key="k", Body=b"first")
    etag = client.head_object(Bucket=bucket, Key="k")["ETag"]

    def replace(number: int) -> int:
        try:
            client.put_object(Bucket=bucket, Key="k", Body=b"%d" % number, IfMatch=etag)
        except ClientError as error:
            return error.response["ResponseMetadata"]["HTTPStatusCode"]
        return 200

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(replace, range(8))) == [200, *[412] * 7]


@pytest.mark.parametrize(
    ("asked", "given"),
    [("bytes=0-3", BIG[:4]), ("bytes=2999998-", BIG[-2:]), ("bytes=-5", BIG[-5:]), ("bytes=9-9", BIG[9:10])],
    ids=["the first", "from a place on", "the last", "one"],
)
def test_a_range_is_what_was_asked_for(client, bucket: str, asked: str, given: bytes):
    client.put_object(Bucket=bucket, Key="k", Body=BIG)
    answer = client.get_object(Bucket=bucket, Key="k", Range=asked)
    assert answer["Body"].read() == given
    assert answer["ContentRange"].endswith("/3000000")
    with pytest.raises(ClientError, match="InvalidRange"):
        client.get_object(Bucket=bucket, Key="k", Range="bytes=3000000-")


def test_folders_are_listed_once_each_page_by_page(client, bucket: str):
    for key in ("a/1", "a/2", "b", "c/1", "c/2/3", "d"):
        client.put_object(Bucket=bucket, Key=key, Body=b"")
    for version in ("list_objects_v2", "list_objects"):
        pages = client.get_paginator(version).paginate(
            Bucket=bucket, Delimiter="/", PaginationConfig={"PageSize": 2}
        )
        found = [
            each.get("Prefix") or each["Key"]
            for page in pages
            for each in [*page.get("CommonPrefixes", []), *page.get("Contents", [])]
        ]
        assert sorted(found) == ["a/", "b", "c/", "d"]


def test_bytes_that_differ_from_their_digest_are_not_kept(client, bucket: str):
    with pytest.raises(ClientError, match="BadDigest"):
        client.put_object(Bucket=bucket, Key="k", Body=b"abc", ContentMD5="AAAAAAAAAAAAAAAAAAAAAA==")
    assert "Contents" not in client.list_objects_v2(Bucket=bucket)


def test_whoever_sends_on_behind_a_broken_body_reads_the_answer(kept):
    port = int(kept.settings("any").endpoint_url.rsplit(":", 1)[1])
    head = "Transfer-Encoding: chunked\r\n\r\nno length"
    assert sent_after_the_answer(port, "/any/key", body_bytes=2**24, head=head) == (403, b"")


def test_metadata_comes_back_and_a_list_is_deleted(client, bucket: str):
    client.put_object(Bucket=bucket, Key="k", Body=b"1", Metadata={"team": "a"}, ContentType="text/plain")
    head = client.head_object(Bucket=bucket, Key="k")
    assert (head["Metadata"], head["ContentType"]) == ({"team": "a"}, "text/plain")
    client.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k"}, {"Key": "none"}]})
    assert "Contents" not in client.list_objects_v2(Bucket=bucket)


def test_what_it_cannot_do_is_said_and_changes_nothing(client, bucket: str):
    client.put_object(Bucket=bucket, Key="k", Body=b"1")
    with pytest.raises(ClientError, match="NotImplemented"):
        client.copy_object(Bucket=bucket, Key="k2", CopySource={"Bucket": bucket, "Key": "k"})
    with pytest.raises(ClientError, match="NotImplemented"):
        client.put_object_acl(Bucket=bucket, Key="k", ACL="public-read")
    assert client.get_object(Bucket=bucket, Key="k")["Body"].read() == b"1"
