"""An object as it is read: whole, a range of it, or only what is known of it."""

import re
from email.utils import formatdate
from http import HTTPStatus
from io import BytesIO

from deployments.s3.answers import Refused
from deployments.s3.messages import Answer, Request
from deployments.s3.objects import Condition, Objects, need

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def read_object(request: Request, objects: Objects) -> Answer:
    """Answer a GET or HEAD of an object. Raises Refused."""
    found = objects.find(request.bucket, request.key)
    headers = {
        "etag": f'"{found.etag}"',
        "last-modified": formatdate(found.modified, usegmt=True),
        "accept-ranges": "bytes",
        "content-type": "binary/octet-stream",
        **found.headers,
    }
    condition = request.condition
    if not Condition(None, condition.if_none_match).holds(found.etag):
        return Answer(HTTPStatus.NOT_MODIFIED, headers={"ETag": f'"{found.etag}"'})
    need(condition, request.key, found.etag)
    try:
        file = BytesIO(found.body or b"") if found.file is None else objects.files.open(found.file)
    except FileNotFoundError:  # overwritten between the two: it is read as it is now
        return read_object(request, objects)
    start, length = _range(request.headers.get("range", ""), found.size)
    status = HTTPStatus.OK
    if length != found.size:
        status = HTTPStatus.PARTIAL_CONTENT
        headers["content-range"] = f"bytes {start}-{start + length - 1}/{found.size}"
    file.seek(start)
    return Answer(status, headers=headers, file=file, length=length)


def _range(header: str, size: int) -> tuple[int, int]:
    """Give where the bytes that are asked for begin, and how many they are. Raises Refused, 416."""
    given = _RANGE.fullmatch(header)
    if given is None or given.groups() == ("", ""):
        return 0, size
    first, last = given.groups()
    start = int(first) if first else max(0, size - int(last))
    end = min(size, int(last) + 1) if first and last else size
    if start >= size or end <= start:
        raise Refused(
            HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, "InvalidRange", f"{header}: there are {size} bytes"
        )
    return start, end - start
