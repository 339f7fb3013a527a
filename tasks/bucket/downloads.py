"""Reads and downloads that survive a broken line."""

import hashlib
import random
import re
import time
from collections.abc import Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from botocore.exceptions import BotoCoreError
from urllib3.exceptions import HTTPError

from tasks.bucket.objects import Place, etag_of, quoted

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef

CHUNK_BYTES = 1024 * 1024
RESUMES = 5  # breaks of one download without a byte in between
READS = 4  # of an object that breaks off each time
_BROKEN = (BotoCoreError, HTTPError, ConnectionError, TimeoutError)


class Downloaded(NamedTuple):
    """What a download wrote."""

    size_bytes: int
    sha256: str


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
