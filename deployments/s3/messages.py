"""A request and its answer, apart from HTTP."""

import json
from collections.abc import Mapping
from typing import BinaryIO, NamedTuple

from deployments.s3.objects import Condition

KEPT = ("content-type", "content-encoding", "content-disposition", "cache-control")


class Request(NamedTuple):
    """A request. headers: names in lower case."""

    method: str
    bucket: str
    key: str
    options: Mapping[str, str]
    headers: Mapping[str, str]
    body: BinaryIO

    @property
    def condition(self) -> Condition:
        """Give what the request depends on."""
        return Condition(self.headers.get("if-match"), self.headers.get("if-none-match"))

    @property
    def kept(self) -> str:
        """Give the headers that belong to the object."""
        own = {name: text for name, text in self.headers.items() if name.startswith("x-amz-meta-")}
        own |= {name: self.headers[name] for name in KEPT if name in self.headers}
        return json.dumps(own, sort_keys=True)


class Answer(NamedTuple):
    """An answer. file: where the body is read from, `length` bytes of it."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = {}
    file: BinaryIO | None = None
    length: int = 0
