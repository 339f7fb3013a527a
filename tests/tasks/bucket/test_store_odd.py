"""Servers that answer in their own way, as small clients: what they leave out harms nothing, or is named."""

import hashlib
import itertools
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError
from urllib3.exceptions import ProtocolError

from tasks.bucket import downloads
from tasks.bucket import store as store_module
from tasks.bucket.clock import StoreClock
from tasks.bucket.store import Store
from tasks.errors import AlreadyThere, StoreRefused, StoreUnavailable

CONTENT = b"0123456789" * 10


def refusal(status: int, code: str, operation: str = "PutObject", **said: str) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, **said}, "ResponseMetadata": {"HTTPStatusCode": status}}, operation
    )


def answer(**fields: object) -> dict:
    return {"ResponseMetadata": {"HTTPHeaders": {}}, **fields}


class Body:
    """What a GET answers: breaks where it is told."""

    def __init__(self, content: bytes, breaks: bool) -> None:
        self._content, self._breaks = content, breaks

    def close(self) -> None:
        pass

    def read(self, size: int) -> bytes:
        some, self._content = self._content[:size], self._content[size:]
        if not some and self._breaks:
            raise ProtocolError("the line broke")
        return some

    def iter_chunks(self, _: int) -> Iterator[bytes]:
        yield self._content
        if self._breaks:
            raise ProtocolError("the line broke")


class Line:
    """A client whose first answers break off after some bytes; `kind` says what it makes of Range."""

    def __init__(self, kind: str, *lengths: int, etags: tuple[str, ...] = ('"e"',)) -> None:
        self.kind, self._lengths = kind, iter(lengths)
        self._etags, self.asked = itertools.chain(etags, itertools.repeat(etags[-1])), []

    def get_object(self, **given: str) -> dict:
        self.asked.append(given)
        start = int(given.get("Range", "bytes=0-")[6:-1]) if self.kind != "ignores" else 0
        start += 5 if self.kind == "misses" and start else 0
        length = next(self._lengths, None)
        stop = len(CONTENT) if length is None else start + length
        ranged = {"ContentRange": f"bytes {start}-99/100"} if start else {}
        etag = {"ETag": each} if (each := next(self._etags)) else {}
        return answer(Body=Body(CONTENT[start:stop], length is not None), **ranged, **etag)


@pytest.fixture(autouse=True)
def _no_waits(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(store_module, "LONGEST_WAIT_S", 0.001)
    monkeypatch.setattr(store_module, "FIRST_WAIT_S", 0.001)
    monkeypatch.setattr(downloads, "time", SimpleNamespace(sleep=lambda _: None))


@pytest.mark.parametrize(
    ("line", "requests"),
    [
        (Line("resumes", 30, 20), 3),
        (Line("resumes", 0, 0, 30), 4),  # the first answers break off before any byte came
        (Line("ignores", 30, 20, 70), 4),
        (Line("misses", 30), 3),  # the second begins elsewhere and is thrown away
        (Line("resumes", 30, etags=('"old"', '"new"')), 3),
        (Line("resumes", 30, etags=("",)), 2),
    ],
)
def test_a_broken_download_ends_whole_whatever_the_server_makes_of_range(line: Line, requests: int, tmp_path):
    got = Store(line, "b").download("k", tmp_path / "down", max_bytes=1000)
    assert got == (100, hashlib.sha256(CONTENT).hexdigest())
    assert (tmp_path / "down").read_bytes() == CONTENT
    assert len(line.asked) == requests


@pytest.mark.parametrize(("length", "requests"), [(30, downloads.RESUMES + 1), (0, downloads.RESUMES)])
def test_a_line_that_never_gets_further_is_given_up(length: int, requests: int, tmp_path: Path):
    line = Line("ignores", *[length] * 50)
    with pytest.raises(StoreUnavailable, match="the line broke"):
        Store(line, "b").download("k", tmp_path / "down", max_bytes=1000)
    assert len(line.asked) == requests


@pytest.mark.parametrize("etag", ['"e"', "e", 'W/"e"'])
def test_what_is_resumed_is_asked_for_by_its_quoted_etag(etag: str, tmp_path: Path):
    line = Line("resumes", 30, etags=(etag,))
    Store(line, "b").download("k", tmp_path / "down", max_bytes=1000)
    assert line.asked[1]["IfMatch"] == '"e"'


class Writes:
    """A client that keeps one object, and answers writes with refusals first."""

    def __init__(self, *refusals: ClientError, holds: bytes | None = None, etag: str = '"e"') -> None:
        self.refusals, self.body, self.asked = list(refusals), holds, []
        self._etag = {"ETag": etag} if etag else {}

    def put_object(self, **given: object) -> dict:
        self.asked.append(given)
        if self.refusals:
            raise self.refusals.pop(0)
        self.body = given["Body"]
        return answer()

    def head_object(self, **_: str) -> dict:
        return self._found(ContentLength=len(self.body or b""))

    def get_object(self, **_: str) -> dict:
        return self._found(Body=Body(self.body or b"", False))

    def _found(self, **fields: object) -> dict:
        if self.body is None:
            raise refusal(404, "NoSuchKey", "GetObject")
        return answer(**fields, **self._etag)


CONTESTED = refusal(409, "ConditionalRequestConflict")


def test_a_key_that_others_hold_for_long_is_created_when_they_let_go():
    client = Writes(*[CONTESTED] * 30)
    Store(client, "b").create("k", b"mine")
    assert client.body == b"mine"


def test_a_contested_key_that_holds_ones_own_bytes_is_created():
    client = Writes(CONTESTED, holds=b"mine")
    Store(client, "b").create("k", b"mine")
    assert len(client.asked) == 1


def test_a_contested_key_that_holds_other_bytes_is_taken():
    client = Writes(CONTESTED, holds=b"others")
    with pytest.raises(AlreadyThere, match="s3://b/k: is there already"):
        Store(client, "b").create("k", b"mine")
    assert (len(client.asked), client.body) == (1, b"others")


def test_a_key_that_is_never_let_go_is_given_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(store_module, "CREATE_WITHIN_S", 0.02)
    with pytest.raises(StoreUnavailable, match=r"held the key for 0\.02 s; nothing was written"):
        Store(Writes(*[CONTESTED] * 10_000), "b").create("k", b"mine")


@pytest.mark.parametrize(("status", "code"), [(501, "NotImplemented"), (400, "InvalidArgument")])
def test_a_store_that_refuses_conditions_is_told_with_the_settings(status: int, code: str, tmp_path: Path):
    store = Store(Writes(*[refusal(status, code)] * 2), "b")
    said = f"{status} {code}; it may not heed If-None-Match.*GRASP_SINGLE_PUBLISHER and GRASP_SINGLE_WORKER"
    with pytest.raises(StoreRefused, match=said):
        store.create("k", b"")
    (tmp_path / "up").write_bytes(b"x")
    with pytest.raises(StoreRefused, match=said):
        store.upload(tmp_path / "up", "k")


def test_what_a_store_refuses_without_a_condition_is_not_laid_to_it():
    with pytest.raises(StoreRefused) as caught:
        Store(Writes(refusal(400, "InvalidArgument")), "b").put("k", b"")
    assert "If-None-Match" not in str(caught.value)


def test_a_server_that_says_304_says_that_the_key_is_taken():
    with pytest.raises(AlreadyThere):
        Store(Writes(refusal(304, "304"), holds=b"others"), "b").create("k", b"mine")


class TestSingleWriter:
    def test_it_creates_and_uploads_without_conditions(self, tmp_path: Path):
        (tmp_path / "up").write_bytes(b"mine")
        client = Writes()
        Store(client, "b", single_writer=True).create("k", b"mine")
        Store(client, "b", single_writer=True).upload(tmp_path / "up", "k", over="e")
        assert [set(given) for given in client.asked] == [{"Bucket", "Key", "Body"}] * 2

    def test_it_overwrites_nothing(self, tmp_path: Path):
        (tmp_path / "up").write_bytes(b"mine")
        store = Store(client := Writes(holds=b"others"), "b", single_writer=True)
        with pytest.raises(AlreadyThere, match="s3://b/k: is there already"):
            store.create("k", b"mine")
        for over in (None, "another"):
            with pytest.raises(AlreadyThere):
                store.upload(tmp_path / "up", "k", over=over)
        store.create("k", b"others")  # its own, of an answer that was lost
        assert client.asked == []

    @pytest.mark.parametrize(("publisher", "worker"), [(True, True), (True, False), (False, True)])
    def test_both_settings_make_one(self, moto, publisher: bool, worker: bool):
        store = moto.store(single_publisher=publisher, single_worker=worker)
        sent: list[dict] = []
        store._client.meta.events.register(
            "before-call.s3.PutObject", lambda params, **_: sent.append(params["headers"])
        )
        store.create("k", b"")
        assert ("If-None-Match" in sent[0]) is not (publisher and worker)


def test_an_upload_over_an_object_states_its_quoted_etag_or_nothing(tmp_path: Path):
    (tmp_path / "up").write_bytes(b"mine")
    for etag, stated in (('"e"', {"IfMatch": '"e"'}), ("", {})):
        store = Store(client := Writes(holds=b"short", etag=etag), "b")
        head = store.head("k")
        assert head
        store.upload(tmp_path / "up", "k", over=head.etag)
        (given,) = client.asked
        assert {name: value for name, value in given.items() if name.startswith("If")} == stated


def test_objects_without_an_etag_are_read_and_listed():
    class Listing(Writes):
        def list_objects_v2(self, **_: str) -> dict:
            item = {"Key": "a/k", "Size": 1, "LastModified": datetime.now(UTC)}
            return answer(KeyCount=1, Contents=[item])

    store = Store(Listing(holds=b"x", etag=""), "b")
    assert store.get("a/k") == (b"x", "")
    assert store.head("a/k") == (1, "")
    assert [item.etag for item in store.list("a/")] == [""]


@pytest.mark.parametrize(
    "date", ["yesterday", "", "Mon, 99 Jan 2024 00:00:00 GMT", "Mon, 01 Jan 99999 00:00:00 GMT"]
)
def test_a_date_that_nobody_can_read_tells_nothing(date: str):
    clock = StoreClock()
    clock.tick({"ResponseMetadata": {"HTTPHeaders": {"date": date}}})
    assert abs((clock.now - datetime.now(UTC)).total_seconds()) < 1


@pytest.mark.parametrize("field", [{"IsTruncated": False}, {"KeyCount": 0}, {"Name": "b"}])
def test_a_page_is_a_listing_by_any_of_its_fields(field: dict):
    client = SimpleNamespace(list_objects_v2=lambda **_: answer(**field))
    assert list(Store(client, "b").list("a/")) == []


def test_a_page_that_is_no_listing_is_refused_rather_than_empty():
    client = SimpleNamespace(list_objects_v2=lambda **_: answer())  # what botocore makes of a page in XHTML
    with pytest.raises(StoreRefused, match=r"s3://b/a/: what was answered is no listing.*AWS_ENDPOINT_URL"):
        list(Store(client, "b").list("a/"))


def test_an_answer_that_is_no_xml_is_none_of_the_store():
    def page(**_: str) -> dict:
        raise ResponseParserError("<!doctype html>")

    with pytest.raises(StoreUnavailable, match=r"none of an S3 server.*AWS_ENDPOINT_URL"):
        list(Store(SimpleNamespace(list_objects_v2=page), "b").list("a/"))


@pytest.mark.parametrize(
    ("status", "code"), [(301, "PermanentRedirect"), (307, "TemporaryRedirect"), (307, "307"), (302, "Found")]
)
def test_a_bucket_that_lies_elsewhere_names_region_and_address(status: int, code: str):
    store = Store(Writes(refusal(status, code)), "b")
    with pytest.raises(StoreRefused, match="lies elsewhere; check AWS_REGION and AWS_ENDPOINT_URL"):
        store.put("k", b"")


def test_an_archived_object_is_told_as_such_and_not_as_wrong_credentials():
    def archived(**_: str) -> dict:
        raise refusal(403, "InvalidObjectState", "GetObject", StorageClass="GLACIER")

    with pytest.raises(StoreRefused, match=r"in an archive \(GLACIER\)") as caught:
        Store(SimpleNamespace(get_object=archived), "b").get("k")
    assert "s3://b/k" in str(caught.value)
    assert "restore it or publish it again" in str(caught.value)
    assert "AWS_ACCESS_KEY_ID" not in str(caught.value)


def test_a_bucket_is_created_in_the_region_of_the_settings(moto):
    store = moto.store(region="eu-west-1")
    assert store._client.get_bucket_location(Bucket=store.bucket)["LocationConstraint"] == "eu-west-1"


class OnePlace:
    """A server that knows one place, under another name."""

    meta = SimpleNamespace(region_name="here")

    def __init__(self, code: str) -> None:
        self.code, self.asked = code, []

    def head_bucket(self, **_: str) -> dict:
        raise refusal(404, "404", "HeadBucket")

    def create_bucket(self, **given: object) -> dict:
        self.asked.append(given)
        if "CreateBucketConfiguration" in given:
            raise refusal(400, self.code, "CreateBucket")
        return answer()


def test_a_server_of_one_place_creates_the_bucket_there():
    Store(client := OnePlace("InvalidLocationConstraint"), "b").create_bucket()
    assert client.asked[-1] == {"Bucket": "b"}
    with pytest.raises(StoreRefused):
        Store(client := OnePlace("AccessDenied"), "b").create_bucket()
    assert len(client.asked) == 1
