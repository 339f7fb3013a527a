"""Uploads: a file becomes an object whole, under the condition that the write states, or not at all."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from botocore.exceptions import BotoCoreError, ClientError

from tasks.bucket.objects import Place, Progress

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

MIB = 1024 * 1024
NO_SUCH_UPLOAD = "NoSuchUpload"
PART_BYTES = 16 * MIB
MAX_PARTS = 10_000
PARTS_AT_ONCE = 4


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
