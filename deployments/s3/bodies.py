"""The body of a request, unwrapped: plain, in HTTP chunks, or in the signed chunks of some S3 clients."""

import io
from collections.abc import Mapping
from typing import BinaryIO, cast

from deployments.s3.answers import bad_request

PIECE_BYTES = 1024 * 1024
LONGEST_LINE = 4096


def body_of(stream: BinaryIO, headers: Mapping[str, str]) -> BinaryIO:
    """Give the object's bytes as a stream that ends where they do. headers: names in lower case.

    Its reads raise Refused when the client breaks off before the end.
    """
    if "chunked" in headers.get("transfer-encoding", "").lower():
        stream = _buffered(_Chunked(stream))
    else:
        stream = _buffered(_Exactly(stream, int(headers.get("content-length") or 0)))
    if headers.get("x-amz-content-sha256", "").startswith("STREAMING-"):
        stream = _buffered(_Chunked(stream))
    return stream


def _buffered(raw: io.RawIOBase) -> BinaryIO:
    return cast("BinaryIO", io.BufferedReader(raw, PIECE_BYTES))


class _Exactly(io.RawIOBase):
    """So many bytes of a stream."""

    def __init__(self, stream: BinaryIO, length: int) -> None:
        self._stream, self._left = stream, length

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        piece = self._stream.read(min(self._left, len(buffer), PIECE_BYTES)) if self._left else b""
        if self._left and not piece:
            raise bad_request("IncompleteBody", f"{self._left} bytes of the body are missing")
        self._left -= len(piece)
        buffer[: len(piece)] = piece
        return len(piece)


class _Chunked(io.RawIOBase):
    """Chunks that each say their length in hexadecimal before them; signatures and trailers are left out."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self._left, self._ended = stream, 0, False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if self._left == 0 and not self._ended:
            self._begin()
        piece = self._stream.read(min(self._left, len(buffer), PIECE_BYTES)) if self._left else b""
        if self._left and not piece:
            raise bad_request("IncompleteBody", "the body ends within a chunk")
        self._left -= len(piece)
        if piece and self._left == 0:
            self._stream.readline(LONGEST_LINE)
        buffer[: len(piece)] = piece
        return len(piece)

    def _begin(self) -> None:
        line = self._stream.readline(LONGEST_LINE)
        try:
            self._left = int(line.partition(b";")[0], 16)
        except ValueError:
            raise bad_request("IncompleteBody", "the body ends before its last chunk") from None
        if self._left == 0:
            self._ended = True
            while self._stream.readline(LONGEST_LINE).strip():
                pass
