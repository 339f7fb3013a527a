"""Documents as we write them: never larger than what is read again."""

import json
from collections.abc import Sequence

from tasks.contracts.base import Document
from tasks.contracts.reading import MAX_DOCUMENT_BYTES
from tasks.errors import InvalidDocument

BESIDE_CLASSES = 8 * 1024  # bytes that a document takes without its class names, generously


def document_bytes(document: Document, *, name: str) -> bytes:
    """Write a document as JSON. Raises InvalidDocument when it would be too large to be read again."""
    body = document.model_dump_json(indent=1, by_alias=True, exclude_none=True).encode()
    if len(body) > MAX_DOCUMENT_BYTES:
        raise InvalidDocument(
            f"{name}: would be {len(body)} bytes, at most {MAX_DOCUMENT_BYTES} are read; needs shorter or "
            "fewer class names or metrics; nothing was written"
        )
    return body


def need_room(classes: Sequence[str], *, name: str) -> None:
    """Refuse class names that no document has room for, before any work is done. Raises InvalidDocument."""
    size = len(json.dumps(list(classes), indent=1, ensure_ascii=False).encode(errors="replace"))
    if size > MAX_DOCUMENT_BYTES - BESIDE_CLASSES:
        raise InvalidDocument(
            f"{name}: the {len(classes)} class names take {size} bytes, and a document that names them has "
            f"room for {MAX_DOCUMENT_BYTES - BESIDE_CLASSES}; needs shorter or fewer names; nothing was done"
        )
