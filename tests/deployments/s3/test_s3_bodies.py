"""Bodies in chunks, as clients send them that sign while they stream."""

import io

import pytest

from deployments.s3.answers import Refused
from deployments.s3.bodies import body_of

SIGNED = {"x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"}


def test_signed_chunks_are_unwrapped_and_the_next_request_is_left():
    wire = b"5;chunk-signature=aa\r\nhello\r\n3;chunk-signature=bb\r\n me\r\n0;chunk-signature=cc\r\n\r\n"
    stream = io.BytesIO(wire + b"GET /")
    body = body_of(stream, {**SIGNED, "content-length": str(len(wire))})
    assert body.read() == b"hello me"
    assert body.read() == b""
    assert stream.read() == b"GET /"


def test_chunks_within_chunks_with_a_trailer_are_unwrapped():
    inner = b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAAA\r\n\r\n"
    wire = b"%x\r\n%s\r\n0\r\n\r\n" % (len(inner), inner)
    headers = {"x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "transfer-encoding": "chunked"}
    assert body_of(io.BytesIO(wire), headers).read() == b"hello"


@pytest.mark.parametrize("wire", [b"5\r\nhel", b"5\r\nhello\r\n", b"", b"zz\r\n"])
def test_chunks_that_break_off_are_refused(wire: bytes):
    with pytest.raises(Refused, match="body"):
        body_of(io.BytesIO(wire), {"transfer-encoding": "chunked"}).read()


def test_a_body_that_is_shorter_than_said_is_refused():
    with pytest.raises(Refused, match="2 bytes of the body are missing"):
        body_of(io.BytesIO(b"abc"), {"content-length": "5"}).read()
