"""One behaviour suite for the store, run against every server."""

import hashlib
import itertools
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from tasks.bucket.clock import StoreClock
from tasks.bucket.store import Store
from tasks.bucket.uploads import PART_BYTES
from tasks.errors import AlreadyThere, InvalidSettings, NotThere, StoreRefused, StoreUnavailable

TAKES_ANY_NAME = {"moto", "kept", "rgw"}


@pytest.fixture
def store(server) -> Store:
    """A fresh bucket on each server in turn."""
    return server.store()


def test_what_is_created_is_read_back_with_its_etag(store: Store):
    store.create("a/one", b"1")
    body, etag = store.get("a/one")
    assert body == b"1"
    head = store.head("a/one")
    assert head is not None
    assert (head.size_bytes, head.etag) == (1, etag)
    assert [(item.key, item.size_bytes, item.etag) for item in store.list("a/")] == [("a/one", 1, etag)]


def test_a_taken_key_is_refused_and_keeps_its_bytes(store: Store):
    store.create("k", b"first")
    with pytest.raises(AlreadyThere, match="k: is there already"):
        store.create("k", b"other")
    assert store.get("k").body == b"first"


def test_creating_the_same_bytes_again_succeeds(store: Store):
    """A request whose answer was lost is sent again, and finds its own bytes."""
    store.create("k", b"same")
    store.create("k", b"same")


def test_an_empty_object_is_created_once(store: Store):
    store.create("k", b"")
    with pytest.raises(AlreadyThere):
        store.create("k", b"x")
    assert store.get("k").body == b""


def test_of_sixteen_that_create_one_key_exactly_one_wins(store: Store):
    for number in range(5):
        barrier = threading.Barrier(16)

        def attempt(writer: int, number: int = number, barrier: threading.Barrier = barrier) -> bool:
            barrier.wait()
            try:
                store.create(f"race/{number}", b"writer %d" % writer)
            except AlreadyThere:
                return False
            return True

        with ThreadPoolExecutor(16) as pool:
            won = list(pool.map(attempt, range(16)))
        assert sum(won) == 1
        assert store.get(f"race/{number}").body == b"writer %d" % won.index(True)


def test_an_absent_object_is_named(store: Store):
    assert store.head("no") is None
    with pytest.raises(NotThere, match="/no: is not there"):
        store.get("no")


@pytest.mark.slow
def test_a_listing_is_whole_beyond_one_page_and_in_byte_order(store: Store):
    names = [f"many/{i:04d}" for i in range(1101)]
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda name: store.put(name, b""), names))
    store.put("many-more", b"")
    assert [item.key for item in store.list("many/")] == names
    assert [item.key for item in store.list("many/", after="many/0999")] == names[1000:]


def test_a_listing_is_the_same_however_few_keys_are_asked_for_at_once(store: Store):
    names = [f"few/{i}" for i in range(5)]
    for name in names:
        store.put(name, b"")
    assert [item.key for item in store.list("few/", page=2)] == names
    assert [item.key for item in store.list("few/", after="few/1", page=2)] == names[2:]


def test_a_prefix_without_a_slash_is_refused(store: Store):
    with pytest.raises(ValueError, match="ends with a slash"):
        list(store.list("many"))


STRANGE = ["ä ö", "a+b", "a%2Fb", "a&b=c", "..", "tab\tx", "\x01", "quote'\"<>", "日本"]


@pytest.mark.parametrize("name", STRANGE)
def test_strange_keys_are_listed_as_they_are(server, store: Store, name: str):
    try:
        store.put(f"strange/{name}", b"x")
    except StoreRefused as error:
        if server.name in TAKES_ANY_NAME or "answered 400" not in str(error):
            raise
        pytest.skip(f"{name!r} is refused here, and the contract needs no such name")
    assert [item.key for item in store.list("strange/")] == [f"strange/{name}"]
    assert store.get(f"strange/{name}").body == b"x"


def test_reading_stops_one_byte_beyond_the_limit(store: Store):
    store.put("big", bytes(100_000))
    assert len(store.get("big", max_bytes=10).body) == 11


def test_put_replaces_and_delete_removes(store: Store):
    store.put("k", b"1")
    store.put("k", b"22")
    assert store.get("k").body == b"22"
    store.delete("k")
    store.delete("k")
    assert store.head("k") is None


def test_a_file_travels_in_parts_and_comes_back_whole(store: Store, tmp_path: Path):
    content = b"0123456789abcdef" * (PART_BYTES // 8)  # two parts
    (tmp_path / "up").write_bytes(content)
    sent: list[int] = []
    store.upload(tmp_path / "up", "blob", progress=sent.append)
    assert sum(sent) == len(content)
    got = store.download("blob", tmp_path / "down", max_bytes=len(content))
    assert got == (len(content), hashlib.sha256(content).hexdigest())
    assert (tmp_path / "down").read_bytes() == content


def test_an_upload_creates_or_replaces_what_it_names_and_nothing_else(store: Store, tmp_path: Path):
    (tmp_path / "up").write_bytes(b"new bytes")
    store.put("blob", b"other")
    for over in (None, "0" * 32):
        with pytest.raises(AlreadyThere):
            store.upload(tmp_path / "up", "blob", over=over)
    head = store.head("blob")
    assert head
    assert head.size_bytes == 5
    store.upload(tmp_path / "up", "blob", over=head.etag)
    assert store.get("blob").body == b"new bytes"


def test_a_failed_upload_leaves_no_object_and_no_parts(store: Store, tmp_path: Path):
    (tmp_path / "up").write_bytes(bytes(2 * PART_BYTES))

    def stop(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.upload(tmp_path / "up", "blob", progress=stop)
    assert store.head("blob") is None
    assert store._client.list_multipart_uploads(Bucket=store.bucket).get("Uploads", []) == []


def test_a_download_gives_up_soon_after_the_limit(store: Store, tmp_path: Path):
    store.put("blob", bytes(5 * 1024 * 1024))
    got = store.download("blob", tmp_path / "down", max_bytes=10)
    assert 10 < got.size_bytes < 5 * 1024 * 1024


def test_a_download_never_writes_over_a_file(store: Store, tmp_path: Path):
    store.put("blob", b"x")
    (tmp_path / "down").write_bytes(b"mine")
    with pytest.raises(FileExistsError):
        store.download("blob", tmp_path / "down", max_bytes=10)
    assert (tmp_path / "down").read_bytes() == b"mine"


def test_an_answer_that_was_slow_does_not_set_the_clock_back():
    def dated(moment) -> dict:
        return {"ResponseMetadata": {"HTTPHeaders": {"date": format_datetime(moment, usegmt=True)}}}

    now = datetime(2026, 11, 21, 4, 0, 10, tzinfo=UTC)
    clock = StoreClock()
    clock.tick(dated(now))
    clock.tick(dated(now - timedelta(seconds=5)))
    assert clock.now >= now
    clock.tick(dated(now - timedelta(hours=1)))
    assert clock.now < now - timedelta(minutes=59)


def test_the_clock_is_the_stores_and_goes_on_between_answers(store: Store):
    store.put("k", b"")
    first = store.clock
    assert first.tzinfo is not None
    assert abs(first - datetime.now(UTC)) < timedelta(seconds=5)
    time.sleep(0.01)
    assert store.clock > first


def test_a_missing_bucket_names_the_setting(server):
    store = server.store("no-such-bucket-here")
    for ask in (lambda: list(store.list("a/")), lambda: store.get("k"), lambda: store.create("k", b"")):
        with pytest.raises(StoreRefused, match=r"bucket no-such-bucket-here does not exist.*GRASP_BUCKET"):
            ask()


def test_creating_a_bucket_twice_is_no_error(server, store: Store):
    store.create_bucket()
    store.put("k", b"")
    server.store(store.bucket).create_bucket()
    assert store.head("k")


def test_a_server_that_is_not_there_is_unavailable(moto, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    store = moto.store("some-bucket", endpoint_url="http://127.0.0.1:9")
    with pytest.raises(StoreUnavailable, match=r"s3://some-bucket/k: the store does not answer"):
        store.get("k")


def test_an_address_that_is_none_names_the_setting(moto):
    with pytest.raises(InvalidSettings, match="AWS_ENDPOINT_URL"):
        moto.store("some-bucket", endpoint_url="http://")


def test_absent_credentials_name_their_variables(moto, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    store = moto.store("some-bucket", access_key_id=None, secret_access_key=None)
    with pytest.raises(StoreRefused, match="AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"):
        store.get("k")


@pytest.mark.integration
@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"access_key_id": "NOBODY"}, "does not know the access key.*AWS_ACCESS_KEY_ID"),
        ({"secret_access_key": "wrong"}, "signature.*AWS_SECRET_ACCESS_KEY"),
    ],
)
def test_wrong_credentials_name_the_variable_that_is_wrong(rgw, wrong: dict[str, str], said: str):
    bucket = rgw.store().bucket
    with pytest.raises(StoreRefused, match=said):
        rgw.store(bucket, **wrong).get("k")


class Pages:
    """A client of a server that lists in its own way: three keys, two a page."""

    KEYS = ("a/1", "a/2", "a/3")

    def __init__(self, *, tokens: bool, heeds: bool) -> None:
        self.tokens, self.heeds = tokens, heeds

    def list_objects_v2(self, **given: str) -> dict:
        start = given.get("ContinuationToken") or (given["StartAfter"] if self.heeds else "")
        rest = [key for key in self.KEYS if key > start]
        page = [{"Key": k, "Size": 1, "ETag": '"e"', "LastModified": datetime.now(UTC)} for k in rest[:2]]
        more = {"NextContinuationToken": rest[1]} if self.tokens and len(rest) > 2 else {}
        return {
            "Contents": page,
            "IsTruncated": len(rest) > 2,
            "ResponseMetadata": {"HTTPHeaders": {}},
        } | more


@pytest.mark.parametrize(("tokens", "heeds"), [(True, True), (True, False), (False, True)])
def test_a_listing_is_whole_whatever_a_server_leaves_out(tokens: bool, heeds: bool):
    pages = Store(Pages(tokens=tokens, heeds=heeds), "b")
    assert [item.key for item in pages.list("a/")] == list(Pages.KEYS)
    assert [item.key for item in pages.list("a/", after="a/1")] == ["a/2", "a/3"]


def test_a_listing_that_does_not_go_on_is_refused_rather_than_cut_short():
    with pytest.raises(StoreRefused, match="does not go on"):
        list(Store(Pages(tokens=False, heeds=False), "b").list("a/"))


class Deaf(Pages):
    """Heeds no token: gives its first page for ever, with the token of the next, or with a new one."""

    def __init__(self, tokens: Iterator[str]) -> None:
        super().__init__(tokens=True, heeds=False)
        self._tokens = tokens

    def list_objects_v2(self, **_: object) -> dict:
        return super().list_objects_v2(StartAfter="") | {"NextContinuationToken": next(self._tokens)}


@pytest.mark.parametrize("after", ["", "a/1", "a/2", "z"])
@pytest.mark.parametrize("tokens", [itertools.repeat("same"), map(str, itertools.count())])
def test_a_listing_of_a_server_that_heeds_no_token_ends(tokens: Iterator[str], after: str):
    with pytest.raises(StoreRefused, match="does not go on"):
        list(Store(Deaf(tokens), "b").list("a/", after=after))


def test_pages_that_are_empty_are_no_end():
    pages = [{"NextContinuationToken": "1"}, {"NextContinuationToken": "2"}, {"Contents": []}]
    client = SimpleNamespace(
        list_objects_v2=lambda **_: pages.pop(0) | {"Name": "b", "ResponseMetadata": {"HTTPHeaders": {}}}
    )
    assert list(Store(client, "b").list("a/")) == []
    assert pages == []
