"""The bucket: the one place that speaks S3. Every failure becomes one of our errors, named with its key."""

import os
import random
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import boto3
from botocore.config import Config

from tasks.errors import AlreadyThere, InvalidSettings, NotThere, StoreRefused, StoreUnavailable
from tasks.settings import StoreSettings
from tasks.store_errors import KeyContested, translated
from tasks.transfers import Downloaded, Place, Progress, download, upload

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CREATE_TRIES = 8
SLOWEST_ANSWER = timedelta(minutes=2)  # the client gives up sooner


class Listed(NamedTuple):
    """One key of a listing."""

    key: str
    size_bytes: int
    etag: str
    modified: datetime


class Stored(NamedTuple):
    """An object's bytes, with the ETag that they had."""

    body: bytes
    etag: str


class Head(NamedTuple):
    """What is known of an object without reading it."""

    size_bytes: int
    etag: str
    modified: datetime


class Store:
    """One bucket."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client, self.bucket = client, bucket
        self._told: tuple[datetime, float] | None = None  # the store's time, and our monotonic one then

    @classmethod
    def from_settings(cls, settings: StoreSettings) -> Self:
        """Connect as the settings say; nothing is sent yet. Raises InvalidSettings."""
        config = Config(
            signature_version="s3v4",
            s3={"addressing_style": settings.addressing},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            retries={"mode": "standard", "max_attempts": 4},
            connect_timeout=5,
            read_timeout=60,
            max_pool_connections=32,
        )
        try:
            client = boto3.client(
                "s3",
                endpoint_url=settings.endpoint_url,
                region_name=settings.region,
                aws_access_key_id=settings.access_key_id,
                aws_secret_access_key=settings.secret_access_key,
                aws_session_token=settings.session_token,
                config=config,
            )
        except ValueError as error:
            raise InvalidSettings(
                f"AWS_ENDPOINT_URL: {error}; needs an address such as https://s3.example.org"
            ) from error
        return cls(client, settings.bucket)

    @property
    def where(self) -> str:
        """Name the bucket and the server that keeps it."""
        return f"bucket {self.bucket} at {self._client.meta.endpoint_url}"

    @property
    def clock(self) -> datetime:
        """Tell the store's own time: its last answer's, plus what went by since (ours before the first)."""
        if self._told is None:
            return datetime.now(UTC)
        then, at_s = self._told
        return then + timedelta(seconds=time.monotonic() - at_s)

    def create_bucket(self) -> None:
        """Create the bucket unless it is there."""
        try:
            with self._errors(""):
                self._client.head_bucket(Bucket=self.bucket)
        except NotThere:
            with self._errors(""):
                self._client.create_bucket(Bucket=self.bucket)

    def list(self, prefix: str, *, after: str = "") -> Iterator[Listed]:
        """List keys below a prefix that ends with a slash, in byte order, from behind `after` on.

        A server may leave out the token of the next page, or not heed StartAfter: the listing is whole all
        the same. One that says that there is more and then does not go on raises StoreRefused.
        """
        if not prefix.endswith("/"):
            raise ValueError(f"prefix {prefix!r} is listed, needs one that ends with a slash")
        last, token = after, ""
        while True:
            options: dict[str, Any] = {"ContinuationToken": token} if token else {"StartAfter": last}
            with self._errors(prefix):
                page = self._client.list_objects_v2(Bucket=self.bucket, Prefix=prefix, **options)
            self._tick(page)
            behind = after if token else last
            found = [item for item in page.get("Contents", []) if item["Key"] > behind]
            for item in found:
                yield Listed(item["Key"], item["Size"], item["ETag"].strip('"'), item["LastModified"])
            before, token = token, page.get("NextContinuationToken", "")
            if not token and not page.get("IsTruncated"):
                return
            if not found and token == before:
                raise StoreRefused(
                    f"s3://{self.bucket}/{prefix}: the listing says that there is more behind {last!r} and "
                    "does not go on; needs a server with ListObjectsV2; nothing below this prefix was decided"
                )
            last = found[-1]["Key"] if found else last

    def head(self, key: str) -> Head | None:
        """Look at an object; None when it is not there."""
        try:
            with self._errors(key):
                answer = self._client.head_object(Bucket=self.bucket, Key=key)
        except NotThere:
            return None
        self._tick(answer)
        return Head(answer["ContentLength"], answer["ETag"].strip('"'), answer["LastModified"])

    def get(self, key: str, *, max_bytes: int = 64 * 1024 * 1024) -> Stored:
        """Read an object, of which at most max_bytes + 1 are fetched. Raises NotThere."""
        with self._errors(key):
            answer = self._client.get_object(Bucket=self.bucket, Key=key)
            with answer["Body"] as stream:
                body = stream.read(max_bytes + 1)
        self._tick(answer)
        return Stored(body, answer["ETag"].strip('"'))

    def create(self, key: str, body: bytes) -> None:
        """Write an object that must not exist yet (If-None-Match: *). Raises AlreadyThere.

        A repeated request whose first answer was lost finds its own bytes: that is a success.
        """
        for again in range(CREATE_TRIES):
            time.sleep(random.uniform(0, 0.05) * again)
            try:
                with self._errors(key):
                    answer = self._client.put_object(Bucket=self.bucket, Key=key, Body=body, IfNoneMatch="*")
                self._tick(answer)
                return
            except AlreadyThere:
                if self._holds(key, body):
                    return
                raise
            except KeyContested:
                continue
        raise StoreUnavailable(f"{key}: other writers kept the key busy; nothing was written")

    def put(self, key: str, body: bytes) -> None:
        """Write an object, over an older one if there is one: only for caches and hints."""
        with self._errors(key):
            self._tick(self._client.put_object(Bucket=self.bucket, Key=key, Body=body))

    def delete(self, key: str) -> None:
        """Delete an object; one that is not there is no error."""
        with self._errors(key):
            self._client.delete_object(Bucket=self.bucket, Key=key)

    def upload(
        self, path: Path, key: str, *, over: str | None = None, progress: Progress | None = None
    ) -> None:
        """Upload a file, in parts when it is large; progress gets the bytes sent since its last call.

        over: ETag of the object that it may replace; without one it must not exist yet.
        Raises AlreadyThere when the key holds something else.
        """
        condition = {"IfMatch": over} if over else {"IfNoneMatch": "*"}
        with self._errors(key):
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

    def _holds(self, key: str, body: bytes) -> bool:
        try:
            return self.get(key, max_bytes=len(body)).body == body
        except (NotThere, StoreRefused):
            return False  # whoever may only create cannot tell whether it is his own

    def _tick(self, answer: Any) -> None:
        date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
        if date is None:
            return
        told = parsedate_to_datetime(date).astimezone(UTC)
        # A date has whole seconds and is as old as its answer: only a clock that was set goes back.
        now = self.clock
        slack = timedelta(seconds=1) if self._told is None else SLOWEST_ANSWER
        self._told = now if timedelta(0) <= now - told < slack else told, time.monotonic()

    def _errors(self, key: str) -> AbstractContextManager[None]:
        return translated(f"s3://{self.bucket}/{key}", bucket=self.bucket)
