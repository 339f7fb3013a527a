"""Objects in a bucket: where one is, and what a server says of it."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Progress = Callable[[int], None]


class Stored(NamedTuple):
    """An object's bytes, with the ETag that they had."""

    body: bytes
    etag: str


class Head(NamedTuple):
    """What is known of an object without reading it."""

    size_bytes: int
    etag: str


class Place(NamedTuple):
    """An object's address; condition: the header that a write of it states."""

    client: "S3Client"
    bucket: str
    key: str
    condition: dict[str, Any]

    @property
    def address(self) -> dict[str, Any]:
        """Give the address as every call takes it."""
        return {"Bucket": self.bucket, "Key": self.key}


def etag_of(item: Mapping[str, Any]) -> str:
    """Give an ETag bare, as a header or a listing has it; "" where the server sends none."""
    return str(item.get("ETag", "")).removeprefix("W/").strip('"')


def quoted(etag: str) -> str:
    """Write a bare ETag as conditions need it."""
    return f'"{etag}"'
