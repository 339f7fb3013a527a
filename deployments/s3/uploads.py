"""Uploads in parts: what was sent in pieces becomes one object, whole or not at all."""

import re
import secrets
from collections.abc import Iterator, Sequence
from hashlib import md5
from http import HTTPStatus
from xml.etree.ElementTree import ParseError, fromstring

from deployments.s3.answers import Refused, Tree, bad_request
from deployments.s3.bodies import PIECE_BYTES
from deployments.s3.disk import Received
from deployments.s3.objects import Condition, Objects

MAX_PARTS = 10_000
_DOCTYPE = re.compile(rb"<!(DOCTYPE|ENTITY)", re.IGNORECASE)  # entities that grow are not S3's


class Uploads:
    """The uploads in parts that were begun and not ended."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def begin(self, bucket: str, key: str, headers: str) -> str:
        """Begin one; gives its id."""
        self._objects.need_bucket(bucket)
        upload = secrets.token_hex(16)
        with self._objects.change() as database:
            database.execute("INSERT INTO upload VALUES (?, ?, ?, ?)", (upload, bucket, key, headers))
        return upload

    def unfinished(self, bucket: str) -> Tree:
        """Give those of a bucket, as S3 lists them."""
        rows = self._objects.all("SELECT id, key FROM upload WHERE bucket = ?", bucket)
        each: Sequence[Tree] = [{"Key": key, "UploadId": upload} for upload, key in rows]
        return {"Bucket": bucket, "IsTruncated": "false", "Upload": each}

    def need(self, upload: str, bucket: str, key: str) -> str:
        """Give the headers that the object will have. Raises Refused when there is no such upload."""
        found = self._objects.all(
            "SELECT headers FROM upload WHERE id = ? AND bucket = ? AND key = ?", upload, bucket, key
        )
        if not found:
            raise Refused(HTTPStatus.NOT_FOUND, "NoSuchUpload", f"{key}: there is no such upload")
        return str(found[0][0])

    def add(self, upload: str, number: str, received: Received) -> None:
        """Keep a part, in place of the one of its number."""
        try:
            if not (number.isdecimal() and 1 <= int(number) <= MAX_PARTS):
                raise bad_request("InvalidArgument", f"a part's number is 1 to {MAX_PARTS}")
            with self._objects.change() as database:
                where = "FROM part WHERE upload = ? AND number = ?"
                before = database.execute(f"SELECT file {where}", (upload, int(number))).fetchone()
                row = (upload, int(number), received.md5, received.size, received.body, received.file)
                database.execute("INSERT OR REPLACE INTO part VALUES (?, ?, ?, ?, ?, ?)", row)
        except BaseException:
            self._objects.files.drop(received.file)
            raise
        self._objects.files.drop(before[0] if before else None)

    def complete(self, upload: str, bucket: str, key: str, listed: bytes, condition: Condition) -> str:
        """Make the object of the parts that the client lists; gives its ETag. Raises Refused."""
        headers = self.need(upload, bucket, key)
        parts = self._chosen(upload, _listed(listed))
        received = self._objects.files.write(self._bytes_of(parts))
        tags = b"".join(bytes.fromhex(etag) for etag, _, _ in parts)
        etag = f"{md5(tags, usedforsecurity=False).hexdigest()}-{len(parts)}"
        self._objects.put(bucket, key, received, etag=etag, headers=headers, condition=condition)
        self.drop(upload)
        return etag

    def drop(self, upload: str) -> None:
        """Forget an upload and its parts."""
        files = self._objects.all("SELECT file FROM part WHERE upload = ?", upload)
        with self._objects.change() as database:
            database.execute("DELETE FROM part WHERE upload = ?", (upload,))
            database.execute("DELETE FROM upload WHERE id = ?", (upload,))
        for (file,) in files:
            self._objects.files.drop(file)

    def _chosen(
        self, upload: str, listed: Sequence[tuple[int, str]]
    ) -> list[tuple[str, bytes | None, str | None]]:
        rows = self._objects.all("SELECT number, etag, body, file FROM part WHERE upload = ?", upload)
        there = {number: (etag, body, file) for number, etag, body, file in rows}
        if [number for number, _ in listed] != sorted({number for number, _ in listed}):
            raise bad_request("InvalidPartOrder", "parts are listed in the order of their numbers")
        if not listed or any(there.get(number, ("",))[0] != etag for number, etag in listed):
            raise bad_request("InvalidPart", "a part that is listed was not sent, or is another")
        return [there[number] for number, _ in listed]

    def _bytes_of(self, parts: Sequence[tuple[str, bytes | None, str | None]]) -> Iterator[bytes]:
        for _, body, file in parts:
            if file is None:
                yield body or b""
                continue
            with self._objects.files.open(file) as stream:
                while piece := stream.read(PIECE_BYTES):
                    yield piece


def _listed(document: bytes) -> list[tuple[int, str]]:
    try:
        parts = fromstring(document).findall("{*}Part") if not _DOCTYPE.search(document) else []  # noqa: S314
        return [
            (int(part.findtext("{*}PartNumber", "")), part.findtext("{*}ETag", "").strip('" '))
            for part in parts
        ]
    except (ParseError, ValueError):
        raise bad_request("MalformedXML", "the list of parts cannot be read") from None
