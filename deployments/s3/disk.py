"""Where bytes lie: one file for what is large, written whole and flushed before anybody hears of it."""

import hashlib
import os
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from deployments.s3.bodies import PIECE_BYTES

INLINE_BYTES = 32 * 1024  # up to this, bytes lie in the database, which flushes them with the commit


class Received(NamedTuple):
    """Bytes that came in. body: where they are few, else they are in the file of this name."""

    md5: str
    sha256: str
    size: int
    body: bytes | None
    file: str | None


class Files:
    """A directory of immutable files with random names."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)

    def receive(self, stream: BinaryIO) -> Received:
        """Take all of a stream; nothing is left behind when it breaks off."""
        first = stream.read(INLINE_BYTES + 1)
        if len(first) <= INLINE_BYTES:
            md5, sha256 = hashlib.md5(first, usedforsecurity=False), hashlib.sha256(first)
            return Received(md5.hexdigest(), sha256.hexdigest(), len(first), first, None)
        return self.write(_pieces(first, stream))

    def write(self, pieces: Iterable[bytes]) -> Received:
        """Write a file and wait until the disk has it."""
        name = secrets.token_hex(16)
        md5, sha256, size = hashlib.md5(usedforsecurity=False), hashlib.sha256(), 0
        try:
            with (self._directory / name).open("xb") as file:
                for piece in pieces:
                    md5.update(piece)
                    sha256.update(piece)
                    size += file.write(piece)
                file.flush()
                os.fsync(file.fileno())
            self._flush_names()
        except BaseException:
            self.drop(name)
            raise
        return Received(md5.hexdigest(), sha256.hexdigest(), size, None, name)

    def open(self, name: str) -> BinaryIO:
        """Open a file; it can be read to its end though it is dropped meanwhile."""
        return (self._directory / name).open("rb")

    def drop(self, name: str | None) -> None:
        """Delete a file, if there is one."""
        if name:
            (self._directory / name).unlink(missing_ok=True)

    def sweep(self, kept: set[str]) -> None:
        """Delete what nobody names: a crash came between a file and its commit."""
        for path in self._directory.iterdir():
            if path.name not in kept:
                path.unlink()

    def _flush_names(self) -> None:
        directory = os.open(self._directory, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


def _pieces(first: bytes, stream: BinaryIO) -> Iterator[bytes]:
    yield first
    while piece := stream.read(PIECE_BYTES):
        yield piece
