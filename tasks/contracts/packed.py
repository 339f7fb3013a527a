"""A mapping from hex digests to small records that takes tens of bytes each, in memory as in state.json."""

import base64
import sys
from abc import abstractmethod
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any, ClassVar, Self, TypeVar

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

V = TypeVar("V")
HEAD_BYTES = 8  # of every key, kept apart as numbers so that a search runs in C
CHANGES_KEPT = 4096  # beside the packed records, until these are packed anew


class Packed(MutableMapping[str, V]):
    """Records under digests, sorted by digest; a subclass says how long a digest is and packs one value.

    Serialized: base64 of all heads (8 bytes each), then of all tails (rest of the digest, packed value).
    """

    KEY_BYTES: ClassVar[int]
    VALUE_BYTES: ClassVar[int]

    @staticmethod
    @abstractmethod
    def pack(value: Any) -> bytes:
        """Write a value as VALUE_BYTES bytes."""

    @staticmethod
    @abstractmethod
    def unpack(packed: bytes) -> Any:
        """Read a value back."""

    def __init__(self) -> None:
        self._heads, self._tails = array("Q"), b""
        self._changes: dict[bytes, bytes | None] = {}  # None: no longer there
        self._length = 0

    def find(self, digest: bytes) -> bytes | None:
        """Give the packed value under a digest; None when there is none."""
        if digest in self._changes:
            return self._changes[digest]
        head, rest = int.from_bytes(digest[:HEAD_BYTES], "big"), digest[HEAD_BYTES:]
        at = bisect_left(self._heads, head)
        while at < len(self._heads) and self._heads[at] == head:
            tail = self._tail(at)
            if tail.startswith(rest):
                return tail[len(rest) :]
            at += 1
        return None

    def copy(self) -> Self:
        """Give an independent copy; the packed records are shared."""
        new = type(self)()
        new._heads, new._tails, new._length = self._heads, self._tails, self._length
        new._changes = dict(self._changes)
        return new

    def __getitem__(self, key: str) -> V:
        found = self.find(bytes.fromhex(key))
        if found is None:
            raise KeyError(key)
        return self.unpack(found)  # type: ignore[no-any-return]

    def __contains__(self, key: object) -> bool:
        try:
            digest = bytes.fromhex(key) if isinstance(key, str) else b""
        except ValueError:
            return False
        return len(digest) == self.KEY_BYTES and self.find(digest) is not None

    def __setitem__(self, key: str, value: V) -> None:
        self._change(bytes.fromhex(key), self.pack(value))

    def __delitem__(self, key: str) -> None:
        if key not in self:
            raise KeyError(key)
        self._change(bytes.fromhex(key), None)

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[str]:
        return (digest.hex() for digest, _ in self._records())

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Packed):
            return list(self._records()) == list(other._records())
        return isinstance(other, Mapping) and dict(self) == dict(other)

    __hash__ = None  # type: ignore[assignment]

    def dump(self) -> str:
        """Write everything as base64."""
        self._settle()
        return base64.b64encode(_big_endian(self._heads) + self._tails).decode()

    @classmethod
    def load(cls, text: str) -> Self:
        """Read what dump wrote. Raises ValueError."""
        try:
            body = base64.b64decode(text, validate=True)
        except ValueError as error:
            raise ValueError(f"is not base64: {error}") from error
        count, rest = divmod(len(body), cls.KEY_BYTES + cls.VALUE_BYTES)
        if rest:
            raise ValueError(f"is {len(body)} bytes, needs a multiple of {cls.KEY_BYTES + cls.VALUE_BYTES}")
        new = cls()
        new._heads.frombytes(body[: count * HEAD_BYTES])
        if sys.byteorder == "little":
            new._heads.byteswap()
        new._tails, new._length = body[count * HEAD_BYTES :], count
        return new

    def _change(self, digest: bytes, packed: bytes | None) -> None:
        if len(digest) != self.KEY_BYTES:
            raise ValueError(f"key {digest.hex()} has {len(digest)} bytes, needs {self.KEY_BYTES}")
        self._length += (packed is not None) - (self.find(digest) is not None)
        self._changes[digest] = packed
        if len(self._changes) > CHANGES_KEPT:
            self._settle()

    def _settle(self) -> None:
        if not self._changes:
            return
        heads, tails = array("Q"), []
        for digest, packed in self._records():
            heads.append(int.from_bytes(digest[:HEAD_BYTES], "big"))
            tails.append(digest[HEAD_BYTES:] + packed)
        self._heads, self._tails, self._changes = heads, b"".join(tails), {}

    def _records(self) -> Iterator[tuple[bytes, bytes]]:
        rest, fresh = self.KEY_BYTES - HEAD_BYTES, sorted(self._changes)
        for at, head in enumerate(self._heads):
            tail = self._tail(at)
            digest = head.to_bytes(HEAD_BYTES, "big") + tail[:rest]
            while fresh and fresh[0] < digest:
                yield from self._changed(fresh.pop(0))
            if digest not in self._changes:
                yield digest, tail[rest:]
        for digest in fresh:
            yield from self._changed(digest)

    def _changed(self, digest: bytes) -> Iterator[tuple[bytes, bytes]]:
        packed = self._changes[digest]
        if packed is not None:
            yield digest, packed

    def _tail(self, at: int) -> bytes:
        width = self.KEY_BYTES - HEAD_BYTES + self.VALUE_BYTES
        return self._tails[at * width : (at + 1) * width]

    @classmethod
    def __get_pydantic_core_schema__(cls, _: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        read = core_schema.no_info_after_validator_function(cls.load, core_schema.str_schema())
        write = core_schema.plain_serializer_function_ser_schema(
            lambda packed: packed.dump(), return_schema=core_schema.str_schema()
        )
        return core_schema.json_or_python_schema(
            json_schema=read, python_schema=core_schema.is_instance_schema(cls), serialization=write
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, _: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        width = cls.KEY_BYTES + cls.VALUE_BYTES
        layout = f"{width} bytes each: all heads (8 bytes) first, then all tails; big-endian"
        said = f"{(cls.__doc__ or '').strip()} {layout}"
        return {"type": "string", "contentEncoding": "base64", "description": said}


def _big_endian(numbers: "array[int]") -> bytes:
    if sys.byteorder == "big":
        return numbers.tobytes()
    swapped = array("Q", numbers)
    swapped.byteswap()
    return swapped.tobytes()
