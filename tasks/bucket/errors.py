"""What S3 clients raise, in our words: refused (terminal), unavailable (retry), taken, absent."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError
from botocore.parsers import ResponseParserError
from urllib3.exceptions import HTTPError

from tasks.bucket.uploads import NO_SUCH_UPLOAD
from tasks.errors import AlreadyThere, GraspError, NotThere, StoreRefused, StoreUnavailable

_ABSENT = {"404", "NoSuchKey", "NotFound"}
_TAKEN = {"412", "PreconditionFailed"}
_RACING = {"409", "ConditionalRequestConflict", "OperationAborted"}
_NOT_NOW = {"429", "SlowDown", "InternalError", "ServiceUnavailable", "RequestTimeout"}
_NOT_ABLE = {"501", "NotImplemented"}
_UNCONDITIONAL = {*_NOT_ABLE, "InvalidArgument"}  # what servers answer to a condition that they do not know
_CONDITIONAL = {"PutObject", "CompleteMultipartUpload"}
_ELSEWHERE = "the bucket lies elsewhere; check AWS_REGION and AWS_ENDPOINT_URL"
_HINTS = {
    "InvalidAccessKeyId": "the store does not know the access key; check AWS_ACCESS_KEY_ID",
    "SignatureDoesNotMatch": "the signature is wrong; check AWS_SECRET_ACCESS_KEY",
    "RequestTimeTooSkewed": "this machine's clock is wrong; set it",
    "ExpiredToken": "the session has ended; renew AWS_SESSION_TOKEN",
    "InvalidToken": "the session is not valid; check AWS_SESSION_TOKEN",
    "AuthorizationHeaderMalformed": "the bucket lies in another region; check AWS_REGION",
    **dict.fromkeys(("301", "302", "307", "308"), _ELSEWHERE),
    "401": "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and the policy",
    "403": "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and the policy",
    "501": "the store lacks a feature that is needed",
}
ALLOW_ONE_WRITER = (
    "use a store that does, or set GRASP_SINGLE_PUBLISHER and GRASP_SINGLE_WORKER to true and keep to that"
)


class KeyContested(StoreUnavailable):
    """Another conditional write of the same key is under way."""


@contextmanager
def translated(where: str, *, bucket: str, condition: str = "") -> Iterator[None]:
    """Turn what the client raises inside into one of our errors.

    where: the object's address. condition: the header that a write inside depends on.
    """
    try:
        yield
    except ClientError as error:
        raise _answered(error, where=where, bucket=bucket, condition=condition) from error
    except (NoCredentialsError, PartialCredentialsError) as error:
        raise StoreRefused(
            f"{where}: no complete credentials found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        ) from error
    except ResponseParserError as error:
        raise _no_answer_of_s3(where) from error
    except (KeyError, ValueError) as error:  # a field that is absent, or that the client cannot read
        raise _no_answer_of_s3(where, found=f" ({error!r})") from error
    except (BotoCoreError, HTTPError, ConnectionError, TimeoutError) as error:
        raise StoreUnavailable(f"{where}: the store does not answer: {error}") from error


def _no_answer_of_s3(where: str, *, found: str = "") -> StoreUnavailable:
    return StoreUnavailable(
        f"{where}: the answer is none of an S3 server{found}; a proxy may have given it: "
        "check AWS_ENDPOINT_URL"
    )


def _answered(error: ClientError, *, where: str, bucket: str, condition: str) -> GraspError:
    said: Mapping[str, Any] = error.response.get("Error", {})
    code, message = str(said.get("Code", "")), said.get("Message") or ""
    status = str(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", ""))
    found = {code, status}
    depends = condition and error.operation_name in _CONDITIONAL
    if code == "NoSuchBucket":
        return StoreRefused(f"bucket {bucket} does not exist; create it or set GRASP_BUCKET")
    if code == NO_SUCH_UPLOAD:
        return StoreUnavailable(f"{where}: its upload in parts is gone, nothing was written; try again")
    if found & _TAKEN or (depends and status == "304"):
        return AlreadyThere(f"{where}: is there already; nothing was written")
    if found & _RACING:
        return KeyContested(f"{where}: another writer holds the key")
    if found & _ABSENT:
        return NotThere(f"{where}: is not there")
    answer = f"the store answered {' '.join(filter(None, (status, code if code != status else '')))}"
    answer += f": {message}" if message else ""
    if found & _NOT_NOW or (status.startswith("5") and not found & _NOT_ABLE):
        return StoreUnavailable(f"{where}: {answer}")
    hint = _hint(code, status, said.get("StorageClass"))
    if depends and found & _UNCONDITIONAL:
        hint = f"it may not heed {condition}: {ALLOW_ONE_WRITER}"
    return StoreRefused(f"{where}: {answer}" + (f"; {hint}" if hint else ""))


def _hint(code: str, status: str, storage_class: str | None) -> str | None:
    if code == "InvalidObjectState":
        kept = storage_class or "such as GLACIER"
        return f"this one object lies in an archive ({kept}); restore it or publish it again"
    return _HINTS.get(code) or _HINTS.get(status)
