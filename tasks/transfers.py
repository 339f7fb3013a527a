"""Objects over S3: uploads committed at once, reads and downloads that survive a broken line."""

import hashlib
import os
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef, GetObjectOutputTypeDef

MIB = 1024 * 1024
NO_SUCH_UPLOAD = "NoSuchUpload"
PART_BYTES = 16 * MIB
MAX_PARTS = 10_000
PARTS_AT_ONCE = 4
CHUNK_BYTES = MIB
RESUMES = 5  # breaks of one download without a byte in between
READS = 4  # of an object that breaks off each time
_BROKEN = (BotoCoreError, HTTPError, ConnectionError, TimeoutError)

Progress = Callable[[int], None]


class Downloaded(NamedTuple):
    """What a download wrote."""

    size_bytes: int
    sha256: str


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


def upload(place: Place, path: Path, *, progress: Progress) -> None:
    """Upload a file; the object appears whole or not at all.

    Not every server heeds the condition for a file of several parts. progress gets the bytes sent since its
    last call, from several threads.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        if size <= PART_BYTES:
            _commit(place, place.client.put_object, {"Body": file.read()})
            progress(size)
            return
        started = place.client.create_multipart_upload(**place.address)
        upload_id = started["UploadId"]
        try:
            parts = _upload_parts(place, file, size, upload_id, progress)
            whole = {"UploadId": upload_id, "MultipartUpload": {"Parts": parts}}
            _complete(place, whole, size)
        except BaseException:
            with suppress(BotoCoreError, ClientError):  # the first error counts; a lifecycle rule tidies up
                place.client.abort_multipart_upload(**place.address, UploadId=upload_id)
            raise


def read(place: Place, *, up_to: int) -> tuple["GetObjectOutputTypeDef", bytes]:
    """Read an object, up_to bytes of it at most; one that breaks off is read again, from its start."""
    breaks = 0
    while True:
        answer = place.client.get_object(**place.address)
        try:
            with closing(answer["Body"]) as stream:
                return answer, _read(stream, up_to)
        except _BROKEN:
            breaks += 1
            if breaks == READS:
                raise
        _wait(breaks - 1)


def download(place: Place, file: BinaryIO, *, max_bytes: int) -> Downloaded:
    """Stream an object into an empty file; ends one chunk beyond max_bytes.

    A broken stream is taken up where it broke, or from the start where the server cannot do that; a server
    that never answered was asked often enough by the client. All of it comes from one version of the object:
    ClientError 412 when it was overwritten meanwhile.
    """
    copy, answered, furthest, breaks = _Copy(file), False, 0, 0
    while True:
        try:
            answer = place.client.get_object(**place.address, **copy.rest())
            answered = True
            copy.take_up(answer)
            for chunk in answer["Body"].iter_chunks(CHUNK_BYTES):
                copy.write(chunk)
                if copy.size > max_bytes:
                    answer["Body"].close()
                    break
            return Downloaded(copy.size, copy.digest.hexdigest())
        except _BROKEN:
            breaks = 0 if copy.size > furthest else breaks + 1
            furthest = max(furthest, copy.size)
            if not answered or breaks >= RESUMES:
                raise
            _wait(breaks)


class _Copy:
    """What of an object is in a file so far."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._etag = file, ""
        self.size, self.digest = 0, hashlib.sha256()

    def rest(self) -> dict[str, Any]:
        """Ask for what is not there yet, of the version that the beginning has."""
        options = {"Range": f"bytes={self.size}-"} if self.size else {}
        return options | ({"IfMatch": quoted(self._etag)} if self._etag else {})

    def take_up(self, answer: Mapping[str, Any]) -> None:
        """Go on with an answer, from the start unless it begins where the file ends, of the same version."""
        before, self._etag = self._etag, etag_of(answer)
        start = _start_of(answer)
        if start == self.size and before in {"", self._etag}:
            return
        self._file.seek(0)
        self._file.truncate()
        self.size, self.digest = 0, hashlib.sha256()
        if start:
            raise ConnectionError(f"asked for the rest of an object, the answer begins at byte {start}")

    def write(self, chunk: bytes) -> None:
        self.digest.update(chunk)
        self.size += self._file.write(chunk)


def etag_of(item: Mapping[str, Any]) -> str:
    """Give an ETag bare, as a header or a listing has it; "" where the server sends none."""
    return str(item.get("ETag", "")).removeprefix("W/").strip('"')


def quoted(etag: str) -> str:
    """Write a bare ETag as conditions need it."""
    return f'"{etag}"'


def _commit(place: Place, write: Callable[..., object], given: dict[str, Any]) -> None:
    try:
        write(**place.address, **given, **place.condition)
    except ClientError as error:
        etag = place.condition.get("IfMatch")
        if not etag or error.response["ResponseMetadata"]["HTTPStatusCode"] != HTTPStatus.PRECONDITION_FAILED:
            raise
        write(**place.address, **given, IfMatch=etag.strip('"'))  # Ceph RGW compares it as it stands


def _complete(place: Place, whole: dict[str, Any], size: int) -> None:
    try:
        _commit(place, place.client.complete_multipart_upload, whole)
    except ClientError as error:  # asked again when an answer was lost, a server knows the upload no more
        if error.response.get("Error", {}).get("Code") != NO_SUCH_UPLOAD or not _holds(place, size):
            raise


def _holds(place: Place, size: int) -> bool:
    with suppress(ClientError):
        return place.client.head_object(**place.address).get("ContentLength") == size
    return False


def _read(stream: "StreamingBody", up_to: int) -> bytes:
    """Read until the end, which is where the client looks whether all of it came."""
    body = bytearray()
    while len(body) < up_to and (chunk := stream.read(up_to - len(body))):
        body += chunk
    return bytes(body)


def _wait(breaks: int) -> None:
    time.sleep(random.uniform(0.5, 1.0) * 2**breaks)


def _start_of(answer: Mapping[str, Any]) -> int:
    given = re.match(r"bytes (\d+)-", answer.get("ContentRange", ""))
    return int(given[1]) if given else 0


def _upload_parts(
    place: Place, file: BinaryIO, size: int, upload_id: str, progress: Progress
) -> list["CompletedPartTypeDef"]:
    def send(number: int, start: int, length: int) -> "CompletedPartTypeDef":
        body = os.pread(file.fileno(), length, start)
        answer = place.client.upload_part(**place.address, UploadId=upload_id, PartNumber=number, Body=body)
        progress(len(body))
        return {"PartNumber": number, "ETag": answer.get("ETag", "")}

    with ThreadPoolExecutor(PARTS_AT_ONCE) as pool:
        futures = [pool.submit(send, *part) for part in _parts(size)]
        try:
            return [future.result() for future in futures]
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _parts(size: int) -> Iterator[tuple[int, int, int]]:
    length = max(PART_BYTES, -(-size // MAX_PARTS // MIB) * MIB)
    for number, start in enumerate(range(0, size, length), start=1):
        yield number, start, min(length, size - start)
