"""What a store says of its bucket, in the form of AWS, which Ceph and MinIO speak. It only wakes somebody."""

import hmac
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

PREFIX = "manifests/"
CREATED = ("ObjectCreated:", "s3:ObjectCreated:")
MOST_RECORDS = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """manifests: how many objects were made below manifests/. secrets: what the records carry of one."""

    manifests: int
    secrets: tuple[str, ...]

    def carries(self, secret: str) -> bool:
        """Say whether every record carries the secret: Ceph's topics send it in the body."""
        return bool(self.secrets) and all(is_same(each, secret) for each in self.secrets)


def is_same(given: str, secret: str) -> bool:
    """Compare in a time that does not tell how much of it was right."""
    return hmac.compare_digest(given.encode(), secret.encode())


def read_message(body: bytes, *, bucket: str) -> Message:
    """Read a notification. Raises ValueError when it is none.

    A test message of AWS has no records, and is a notification of nothing. Nothing is taken over from the
    body but a number.
    """
    document = json.loads(body)
    if not isinstance(document, dict):
        raise ValueError("it is no JSON object")
    records = document.get("Records", [])
    if not isinstance(records, list) or len(records) > MOST_RECORDS:
        raise ValueError(f"its Records are no list of at most {MOST_RECORDS}")
    objects = [record for record in records if isinstance(record, dict)]
    if len(objects) != len(records):
        raise ValueError("one of its Records is no JSON object")
    return Message(
        manifests=sum(_is_manifest(record, bucket) for record in objects),
        secrets=tuple(str(record.get("opaqueData", "")) for record in objects),
    )


def _is_manifest(record: dict[str, Any], bucket: str) -> bool:
    s3 = record.get("s3")
    found = s3 if isinstance(s3, dict) else {}
    key, name = _text(found.get("object"), "key"), _text(found.get("bucket"), "name")
    is_made = str(record.get("eventName", "")).startswith(CREATED)
    return is_made and name == bucket and unquote_plus(key).startswith(PREFIX)


def _text(part: object, name: str) -> str:
    return str(part.get(name, "")) if isinstance(part, dict) else ""
