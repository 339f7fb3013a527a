"""Who asks? Signature Version 4, in the Authorization header, as every S3 client signs.

Source: AWS, "Signature Calculations for the Authorization Header" of the S3 API reference.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import quote, unquote

from deployments.s3.answers import Refused

SKEW = timedelta(minutes=15)
_HEADER = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/, ]+)/(\d{8})/([^/, ]+)/s3/aws4_request,\s*"
    r"SignedHeaders=([^, ]+),\s*Signature=([0-9a-f]{64})"
)


class Key(NamedTuple):
    """The one key pair that is let in."""

    access: str
    secret: str


def check(key: Key, method: str, target: str, headers: Mapping[str, str]) -> None:
    """Let a request pass that is signed with the key, now. headers: names in lower case.

    Raises Refused: 403 as S3 words it, so that clients tell what is wrong.
    """
    given = _HEADER.fullmatch(headers.get("authorization", ""))
    if given is None:
        raise _forbidden("AccessDenied", "needs a signature of version 4 in the Authorization header")
    access, day, region, signed, signature = given.groups()
    if access != key.access:
        raise _forbidden("InvalidAccessKeyId", "the access key is not known here")
    at = headers.get("x-amz-date", "")
    _need_now(at)
    scope = f"{day}/{region}/s3/aws4_request"
    asked = hashlib.sha256(_canonical(method, target, headers, signed.split(";")).encode()).hexdigest()
    secret = f"AWS4{key.secret}".encode()
    for part in (*scope.split("/"), f"AWS4-HMAC-SHA256\n{at}\n{scope}\n{asked}"):
        secret = hmac.digest(secret, part.encode(), "sha256")
    if not hmac.compare_digest(secret.hex(), signature):
        raise _forbidden("SignatureDoesNotMatch", "the signature is not that of the secret key")


def _canonical(method: str, target: str, headers: Mapping[str, str], signed: list[str]) -> str:
    path, _, query = target.partition("?")
    pairs = sorted(tuple(map(_encoded, each.partition("=")[::2])) for each in query.split("&") if each)
    lines = [f"{name}:{' '.join(headers.get(name, '').split())}\n" for name in signed]
    return "\n".join(
        (
            method,
            quote(unquote(path), safe="/-_.~"),
            "&".join("=".join(pair) for pair in pairs),
            "".join(lines),
            ";".join(signed),
            headers.get("x-amz-content-sha256", ""),
        )
    )


def _encoded(text: str) -> str:
    return quote(unquote(text), safe="-_.~")


def _need_now(at: str) -> None:
    try:
        signed = datetime.strptime(at, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise _forbidden("AccessDenied", "needs an X-Amz-Date") from None
    if abs(datetime.now(UTC) - signed) > SKEW:
        raise _forbidden("RequestTimeTooSkewed", "the request was signed at another time than now")


def _forbidden(code: str, message: str) -> Refused:
    return Refused(HTTPStatus.FORBIDDEN, code, message)
