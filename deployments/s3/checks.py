"""Did the bytes come in as they were sent? What the client says of them is compared."""

import re
from base64 import b64encode
from collections.abc import Mapping
from typing import BinaryIO

from deployments.s3.answers import bad_request
from deployments.s3.disk import Files, Received

_SHA256 = re.compile("[0-9a-f]{64}")


def receive(files: Files, body: BinaryIO, headers: Mapping[str, str]) -> Received:
    """Take a body, and compare it with its digests and length. Raises Refused; nothing is kept then."""
    received = files.receive(body)
    sha256, md5 = headers.get("x-amz-content-sha256", ""), headers.get("content-md5")
    length = headers.get("x-amz-decoded-content-length", str(received.size))
    wrong = ""
    if _SHA256.fullmatch(sha256) and sha256 != received.sha256:
        wrong = "XAmzContentSHA256Mismatch"
    elif md5 and md5 != b64encode(bytes.fromhex(received.md5)).decode():
        wrong = "BadDigest"
    elif length != str(received.size):
        wrong = "IncompleteBody"
    if wrong:
        files.drop(received.file)
        raise bad_request(wrong, f"{received.size} bytes came in, and they are not those that were sent")
    return received
