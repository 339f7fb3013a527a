"""A target as a publisher names it: by its name, or by a file with its document."""

import json
from pathlib import Path

from tasks.bucket.store import Store
from tasks.contracts.reading import read_document
from tasks.contracts.target import Target
from tasks.journal.targets import read_target
from tasks.settings import StoreSettings, load_settings


def target_of(which: str) -> Target:
    """Read a target from a file, or from the bucket by its name. Raises NotThere, InvalidDocument."""
    path = Path(which)
    if path.is_file():
        return read_document(Target, _document(path.read_bytes()), name=which)
    return read_target(Store.from_settings(load_settings(StoreSettings)), which)


def _document(body: bytes) -> bytes:
    """Give the document within what `grasp target show` prints; anything else as it is."""
    try:
        shown = json.loads(body)
    except (ValueError, RecursionError):
        return body  # read_document says what is wrong with it
    if isinstance(shown, dict) and shown.keys() == {"target", "journal"}:
        return json.dumps(shown["target"]).encode()
    return body
