"""Answers that break off, are lost, or are none of S3, over real connections: a reason, no half truth."""

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from tasks.bucket import downloads
from tasks.bucket.listing import UNTOLD
from tasks.bucket.store import Store
from tasks.bucket.uploads import PART_BYTES
from tasks.errors import StoreRefused, StoreUnavailable
from tasks.settings import StoreSettings
from tests.servers.threads import in_background

KEY = "manifests/digits/2014/1.json"
WHOLE = b"0123456789" * 100


class Request(NamedTuple):
    """What a client asked. asked: the fields behind the question mark."""

    method: str
    key: str
    asked: dict[str, str]
    body: bytes


class Answer(NamedTuple):
    """What a server sends, and nothing more; then it closes the connection."""

    status: int = 200
    headers: dict[str, str] = {}  # noqa: RUF012
    body: bytes = b""


LOST = Answer(status=0)


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[Request], Answer]], Store]]:
    """Connect to a server that answers as a function says; LOST closes the connection without an answer."""
    servers: list[ThreadingHTTPServer] = []

    def start(answer: Callable[[Request], Answer]) -> Store:
        class Handler(BaseHTTPRequestHandler):
            def handle_any(self) -> None:
                address = urlsplit(self.path)
                fields = {name: each[0] for name, each in parse_qs(address.query, True).items()}
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                said = answer(Request(self.command, unquote(address.path)[3:], fields, body))
                if said == LOST:
                    return
                self.send_response_only(said.status)
                for name, value in said.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(said.body)

            do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_any  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        in_background(servers[-1])
        settings = StoreSettings(
            _env_file=None,
            bucket="bkt",
            endpoint_url=f"http://127.0.0.1:{servers[-1].server_port}",
            access_key_id="a",
            secret_access_key="b",
        )
        return Store.from_settings(settings)

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(autouse=True)
def _no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "time", SimpleNamespace(sleep=lambda _: None))


class Cutting:
    """Answers GET with 400 of 1000 bytes some times, then with all of them."""

    def __init__(self, times: int) -> None:
        self.left = times

    def __call__(self, request: Request) -> Answer:
        self.left -= 1
        headers = {"Content-Length": "1000", "ETag": '"e"'}
        return Answer(headers=headers, body=WHOLE[:400] if self.left >= 0 else WHOLE)


def test_an_object_that_breaks_off_is_read_again(serve):
    assert serve(Cutting(times=3)).get(KEY) == (WHOLE, "e")


def test_an_object_that_always_breaks_off_is_unavailable_and_never_half_there(serve):
    store = serve(Cutting(times=1000))
    for max_bytes in (2**20, 1000, 999):
        with pytest.raises(StoreUnavailable, match=f"s3://bkt/{KEY}: .*400 read.*1000"):
            store.get(KEY, max_bytes=max_bytes)


def test_as_much_as_was_asked_for_is_enough(serve):
    assert serve(Cutting(times=1000)).get(KEY, max_bytes=399).body == WHOLE[:400]


class Losing:
    """Completes an upload in parts, but the answer is lost, and asked again it knows the upload no more.

    whole: it did complete it. looks: HEAD is answered.
    """

    def __init__(self, *, whole: bool = True, looks: bool = True) -> None:
        self.sizes: list[int] = []
        self.completed, self._whole, self._looks = 0, whole, looks

    def __call__(self, request: Request) -> Answer:
        if request.method == "POST" and "uploads" in request.asked:
            return Answer(
                body=b"<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>"
            )
        if request.method == "PUT":
            self.sizes.append(len(request.body))
            return Answer(headers={"ETag": '"e"'})
        if request.method == "POST":
            self.completed += 1
            if self.completed == 1:
                return LOST
            return Answer(404, body=b"<Error><Code>NoSuchUpload</Code><Message>gone</Message></Error>")
        if request.method == "HEAD" and self._looks:
            size = sum(self.sizes) if self._whole else 5
            return Answer(headers={"Content-Length": str(size), "ETag": '"e-2"'})
        return Answer(403 if request.method == "HEAD" else 204)


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "up"
    path.write_bytes(bytes(PART_BYTES + 1))
    return path


def test_an_upload_whose_completion_was_answered_to_nobody_is_done(serve, large: Path):
    server = Losing()
    serve(server).upload(large, "blobs/b")
    assert server.completed == 2


@pytest.mark.parametrize("server", [Losing(whole=False), Losing(looks=False)])
def test_an_upload_that_is_gone_is_tried_again_and_not_called_absent(serve, large: Path, server: Losing):
    with pytest.raises(StoreUnavailable, match=r"s3://bkt/blobs/b: its upload in parts is gone.*try again"):
        serve(server).upload(large, "blobs/b")


@pytest.mark.parametrize("status", [301, 302, 307])
def test_a_redirect_that_names_no_region_is_told_and_not_followed_without_end(
    serve, tmp_path: Path, status: int
):
    headers = {"Location": "https://elsewhere.example/", "Content-Type": "text/html"}
    store = serve(lambda request: Answer(status, headers, b"<html>moved</html>"))
    (tmp_path / "up").write_bytes(b"x")
    for ask in (
        lambda: store.get(KEY),
        lambda: store.head(KEY),
        lambda: store.put(KEY, b""),
        lambda: store.upload(tmp_path / "up", KEY),
        lambda: list(store.list("manifests/")),
        store.create_bucket,
    ):
        with pytest.raises(
            StoreRefused, match=f"{status}.*lies elsewhere; check AWS_REGION and AWS_ENDPOINT_URL"
        ):
            ask()


def test_an_object_without_a_size_is_no_traceback(serve):
    store = serve(lambda request: Answer(headers={"ETag": '"e"'}))
    with pytest.raises(StoreUnavailable, match=f"s3://bkt/{KEY}: HEAD was answered without a size"):
        store.head(KEY)


def listing(item: str) -> Answer:
    page = f"<ListBucketResult><IsTruncated>false</IsTruncated><Contents>{item}</Contents></ListBucketResult>"
    return Answer(body=page.encode())


def test_a_listing_without_times_is_a_listing(serve):
    store = serve(lambda request: listing("<Key>a/1</Key><Size>5</Size><ETag>&quot;E&quot;</ETag>"))
    assert list(store.list("a/")) == [("a/1", 5, "e", UNTOLD)]


@pytest.mark.parametrize("time", ["", "yesterday"])
def test_a_listing_with_times_that_nobody_can_read_is_none_of_s3(serve, time: str):
    store = serve(lambda request: listing(f"<Key>a/1</Key><Size>5</Size><LastModified>{time}</LastModified>"))
    with pytest.raises(StoreUnavailable, match=f"none of an S3 server .*Invalid timestamp .*{time}"):
        list(store.list("a/"))


@pytest.mark.parametrize("item", ["", "<Key>a/1</Key>", "<Size>1</Size>"])
def test_a_listing_without_names_or_sizes_is_none(serve, item: str):
    with pytest.raises(StoreRefused, match="s3://bkt/a/: what was answered is no listing"):
        list(serve(lambda request: listing(item)).list("a/"))


def test_an_upload_that_was_begun_with_a_page_is_none_of_s3(serve, large: Path):
    store = serve(lambda request: Answer(body=b"<html>Please log in</html>"))
    with pytest.raises(StoreUnavailable, match=r"none of an S3 server .*UploadId"):
        store.upload(large, "blobs/b")
