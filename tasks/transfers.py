"""Large objects over S3: uploads committed at once, downloads that survive a broken line."""

import hashlib
import os
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

MIB = 1024 * 1024
PART_BYTES = 16 * MIB
MAX_PARTS = 10_000
PARTS_AT_ONCE = 4
CHUNK_BYTES = MIB
RESUMES = 5  # breaks of one download without a byte in between

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
            place.client.put_object(**place.address, Body=file.read(), **place.condition)
            progress(size)
            return
        started = place.client.create_multipart_upload(**place.address)
        upload_id = started["UploadId"]
        try:
            parts = _upload_parts(place, file, size, upload_id, progress)
            place.client.complete_multipart_upload(
                **place.address, UploadId=upload_id, MultipartUpload={"Parts": parts}, **place.condition
            )
        except BaseException:
            with suppress(BotoCoreError, ClientError):  # the first error counts; a lifecycle rule tidies up
                place.client.abort_multipart_upload(**place.address, UploadId=upload_id)
            raise


def download(place: Place, file: BinaryIO, *, max_bytes: int) -> Downloaded:
    """Stream an object into a file; ends one chunk beyond max_bytes.

    A broken stream is taken up where it broke. All of it comes from one version of the object: ClientError
    412 when it was overwritten meanwhile.
    """
    digest, size, breaks = hashlib.sha256(), 0, 0
    resume: dict[str, Any] = {}
    while True:
        before = size
        try:
            answer = place.client.get_object(**place.address, **resume)
            resume = {"IfMatch": answer["ETag"]}
            for chunk in answer["Body"].iter_chunks(CHUNK_BYTES):
                digest.update(chunk)
                size += file.write(chunk)
                if size > max_bytes:
                    answer["Body"].close()
                    break
            return Downloaded(size, digest.hexdigest())
        except (BotoCoreError, HTTPError, ConnectionError, TimeoutError):
            breaks = 0 if size > before else breaks + 1
            if size == 0 or breaks >= RESUMES:
                raise
            time.sleep(random.uniform(0.5, 1.0) * 2**breaks)
            resume["Range"] = f"bytes={size}-"


def _upload_parts(
    place: Place, file: BinaryIO, size: int, upload_id: str, progress: Progress
) -> list["CompletedPartTypeDef"]:
    def send(number: int, start: int, length: int) -> "CompletedPartTypeDef":
        body = os.pread(file.fileno(), length, start)
        answer = place.client.upload_part(**place.address, UploadId=upload_id, PartNumber=number, Body=body)
        progress(len(body))
        return {"PartNumber": number, "ETag": answer["ETag"]}

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
