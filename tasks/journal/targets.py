"""Targets in the bucket: create, read, list; and the document that a recorded change says."""

import hashlib
from collections.abc import Iterable

from tasks.bucket.store import Store
from tasks.contracts import keys
from tasks.contracts.changed import Changed
from tasks.contracts.reading import read_document
from tasks.contracts.target import Target
from tasks.contracts.writing import document_bytes
from tasks.errors import AlreadyThere, InvalidDocument, InvalidSettings, NotThere
from tasks.journal.log import Journal

DOCUMENT_BYTES = 2**20


def create_target(store: Store, target: Target) -> None:
    """Write target.json.

    Raises AlreadyThere when the name is taken, NotThere when its data are absent, InvalidDocument when it
    would be too large to be read.
    """
    body = document_bytes(target, name=keys.target_key(target.name))
    if store.head(target.dataset) is None:
        raise NotThere(
            f"target {target.name}: its data {target.dataset} are not in bucket {store.bucket}; "
            "publish them first; no target was created"
        )
    try:
        store.create(keys.target_key(target.name), body)
    except AlreadyThere as error:
        raise AlreadyThere(f"target {target.name} exists already; nothing was changed") from error


def read_target(store: Store, name: str) -> Target:
    """Read a target. Raises NotThere or InvalidDocument."""
    return _parsed(name, _body(store, name))


def heeded_target(store: Store, journal: Journal) -> tuple[Target, bytes]:
    """Read a target as its journal, as of the state last read, says that it is; with its document's bytes.

    The document in the bucket counts, but for one that a recorded change took the place of: whoever recorded
    it died, or was overtaken, before he wrote the new one. Raises NotThere or InvalidDocument.
    """
    body = _body(store, journal.target)
    change = journal.entry(journal.last.changed) if journal.last.changed else None
    if isinstance(change, Changed) and hashlib.sha256(body).hexdigest() in change.replaced:
        body = change.document.encode()
    return _parsed(journal.target, body), body


def _body(store: Store, name: str) -> bytes:
    try:
        return store.get(keys.target_key(name), max_bytes=DOCUMENT_BYTES).body
    except NotThere as error:
        known = ", ".join(target_names(store)) or "none"
        raise NotThere(
            f"target {name} does not exist in bucket {store.bucket} (there are: {known})"
        ) from error


def _parsed(name: str, body: bytes) -> Target:
    key = keys.target_key(name)
    target = read_document(Target, body, name=key)
    if target.name != name:
        raise InvalidDocument(f"{key}: names {target.name}, needs {name}; this target is left alone")
    return target


def shared(names: Iterable[str], *, share: int, shares: int) -> list[str]:
    """Give the names that fall to a share, in order: each name to one share, always the same.

    share: from 1 to shares. Raises InvalidSettings for another.
    """
    if not 1 <= share <= shares:
        raise InvalidSettings(
            f"share is {share} of {shares}, needs 1 to {shares}; no target of it was looked at"
        )
    return [name for name in names if _number(name) % shares == share - 1]


def _number(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")


def target_names(store: Store) -> list[str]:
    """List the names of all targets, sorted."""
    names = (keys.parse_target_key(item.key) for item in store.list(keys.TARGETS))
    return sorted(name for name in names if name)
