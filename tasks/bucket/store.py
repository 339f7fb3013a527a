"""The bucket: the one place that speaks S3. Every failure becomes one of our errors, named with its key."""

import os
import random
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tasks.bucket.client import client_of
from tasks.bucket.clock import StoreClock
from tasks.bucket.creation import ensure_bucket
from tasks.bucket.downloads import Downloaded, download, read
from tasks.bucket.errors import KeyContested, translated
from tasks.bucket.listing import Listed, listing
from tasks.bucket.objects import Head, Place, Progress, Stored, etag_of, quoted
from tasks.bucket.uploads import upload
from tasks.errors import AlreadyThere, NotThere, StoreRefused, StoreUnavailable
from tasks.settings import StoreSettings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ListObjectsV2OutputTypeDef

CREATE_WITHIN_S = 20.0  # as long as other writers hold the key
FIRST_WAIT_S, LONGEST_WAIT_S = 0.05, 1.0  # between two tries: any time up to it, twice as long each time
PAGE = 1000  # keys; no server gives more at once
_HEADERS = {"IfNoneMatch": "If-None-Match", "IfMatch": "If-Match"}


class Store:
    """One bucket; a single writer looks before it writes instead of stating conditions."""

    def __init__(self, client: "S3Client", bucket: str, *, single_writer: bool = False) -> None:
        self._client, self.bucket, self._single_writer = client, bucket, single_writer
        self._clock = StoreClock()

    @classmethod
    def from_settings(cls, settings: StoreSettings) -> Self:
        """Connect as the settings say; nothing is sent yet. Raises InvalidSettings."""
        single = settings.single_publisher and settings.single_worker
        return cls(client_of(settings), settings.bucket, single_writer=single)

    @property
    def where(self) -> str:
        """Name the bucket and the server that keeps it."""
        return f"bucket {self.bucket} at {self._client.meta.endpoint_url}"

    @property
    def clock(self) -> datetime:
        """Tell the store's own time: its last answer's, plus what went by since (ours before the first)."""
        return self._clock.now

    def create_bucket(self) -> None:
        """Create the bucket, in the region of the settings, unless it is there."""
        ensure_bucket(self._client, self.bucket, errors=lambda: self._errors(""))

    def list(self, prefix: str, *, after: str = "", page: int = PAGE) -> Iterator[Listed]:
        """List keys below a prefix that ends with a slash, in byte order, from behind `after` on.

        page: how many keys are asked for at once.

        The listing is whole even where a server leaves out tokens; see store_listing.py.
        Raises ValueError for another prefix, StoreRefused for what is no listing.
        """
        if not prefix.endswith("/"):
            raise ValueError(f"prefix {prefix!r} is listed, needs one that ends with a slash")
        where = f"s3://{self.bucket}/{prefix}"

        def page_of(options: dict[str, Any]) -> "ListObjectsV2OutputTypeDef":
            with self._errors(prefix):
                answer = self._client.list_objects_v2(
                    Bucket=self.bucket, Prefix=prefix, MaxKeys=page, **options
                )
            self._clock.tick(answer)
            return answer

        return listing(page_of, where=where, after=after)

    def head(self, key: str) -> Head | None:
        """Look at an object; None when it is not there. Raises StoreUnavailable when no size is told."""
        try:
            with self._errors(key):
                answer = self._client.head_object(Bucket=self.bucket, Key=key)
        except NotThere:
            return None
        self._clock.tick(answer)
        if "ContentLength" not in answer:
            raise StoreUnavailable(
                f"s3://{self.bucket}/{key}: HEAD was answered without a size; a proxy may leave "
                "Content-Length out: check AWS_ENDPOINT_URL"
            )
        return Head(answer["ContentLength"], etag_of(answer))

    def get(self, key: str, *, max_bytes: int = 64 * 1024 * 1024) -> Stored:
        """Read an object, of which at most max_bytes + 1 are fetched. Raises NotThere, StoreUnavailable."""
        with self._errors(key):
            answer, body = read(self._place(key, {}), up_to=max_bytes + 1)
        self._clock.tick(answer)
        return Stored(body, etag_of(answer))

    def create(self, key: str, body: bytes) -> None:
        """Write an object that must not exist yet (If-None-Match: *). Raises AlreadyThere.

        A repeated request whose first answer was lost finds its own bytes: that is a success. While other
        writers hold the key it is tried again, until something is there.
        """
        until, wait_s = time.monotonic() + CREATE_WITHIN_S, FIRST_WAIT_S
        while True:
            try:
                return self._write(key, body, self._condition(key, over=None))
            except (AlreadyThere, KeyContested) as error:
                found = self._read_at_most(key, len(body))
                if found == body:
                    return None
                if isinstance(error, AlreadyThere):
                    raise
                if found is not None:
                    raise self._taken(key) from error
                if time.monotonic() > until:
                    raise StoreUnavailable(
                        f"{key}: other writers held the key for {CREATE_WITHIN_S:g} s; nothing was written"
                    ) from error
            time.sleep(random.uniform(0, wait_s))
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)

    def put(self, key: str, body: bytes) -> None:
        """Write an object, over an older one if there is one: only for caches and hints."""
        self._write(key, body, {})

    def delete(self, key: str) -> None:
        """Delete an object; one that is not there is no error."""
        with self._errors(key):
            self._client.delete_object(Bucket=self.bucket, Key=key)

    def upload(
        self, path: Path, key: str, *, over: str | None = None, progress: Progress | None = None
    ) -> None:
        """Upload a file, in parts when it is large; progress gets the bytes sent since its last call.

        over: ETag of the object that it may replace, "" where the store tells none; without one it must not
        exist yet.
        Raises AlreadyThere when the key holds something else.
        """
        condition = self._condition(key, over=over)
        with self._errors(key, condition):
            upload(self._place(key, condition), path, progress=progress or (lambda _: None))

    def download(self, key: str, path: Path, *, max_bytes: int) -> Downloaded:
        """Stream an object into a new file, fsynced; stops one chunk beyond max_bytes.

        Raises NotThere, StoreUnavailable (also when the object was overwritten meanwhile).
        """
        try:
            with self._errors(key), path.open("xb") as file:
                downloaded = download(self._place(key, {}), file, max_bytes=max_bytes)
                file.flush()
                os.fsync(file.fileno())
        except AlreadyThere as error:
            raise StoreUnavailable(f"{key}: was overwritten while it was downloaded; try again") from error
        return downloaded

    def _place(self, key: str, condition: dict[str, str]) -> Place:
        return Place(self._client, self.bucket, key, condition)

    def _write(self, key: str, body: bytes, condition: dict[str, Any]) -> None:
        with self._errors(key, condition):
            self._clock.tick(self._client.put_object(Bucket=self.bucket, Key=key, Body=body, **condition))

    def _condition(self, key: str, *, over: str | None) -> dict[str, Any]:
        """Say what a write depends on. A single writer looks now, and then depends on nothing."""
        if not self._single_writer:
            return {"IfNoneMatch": "*"} if over is None else {"IfMatch": quoted(over)} if over else {}
        there = self.head(key)
        if there and there.etag != over:
            raise self._taken(key)
        return {}

    def _taken(self, key: str) -> AlreadyThere:
        return AlreadyThere(f"s3://{self.bucket}/{key}: is there already; nothing was written")

    def _read_at_most(self, key: str, size: int) -> bytes | None:
        try:
            return self.get(key, max_bytes=size).body
        except (NotThere, StoreRefused):
            return None  # whoever may only create cannot tell what is there

    def _errors(self, key: str, condition: dict[str, Any] | None = None) -> AbstractContextManager[None]:
        header = "".join(_HEADERS[name] for name in condition or {})
        return translated(f"s3://{self.bucket}/{key}", bucket=self.bucket, condition=header)
