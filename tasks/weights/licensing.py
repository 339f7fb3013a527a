"""The licence of a source, as its publisher states it in the weights file's own metadata.

The manifest has no place for it; a safetensors file has, in `__metadata__`, which loaders pass over.
"""

import json
import shutil
from pathlib import Path

from tasks.errors import InvalidDocument
from tasks.printable import printable
from tasks.weights.header import MAX_HEADER_BYTES, read_header

KEYS = ("license", "modelspec.license")  # ours first, then that of the ModelSpec standard
MAX_CHARACTERS = 200
_ALIGNMENT = 8  # the library pads headers to this, so that tensors start aligned


def stated_license(path: Path) -> str | None:
    """Read the licence that a weights file states; None when it states none. Raises BadArrival."""
    metadata = read_header(path, object=path.name).get("__metadata__", {})
    said = next((metadata[key].strip() for key in KEYS if metadata.get(key, "").strip()), None)
    return printable(said, limit=MAX_CHARACTERS) if said else None


def state_license(path: Path, out: Path, said: str) -> None:
    """Copy a weights file with its licence stated; the same file and words give the same bytes.

    Raises InvalidDocument when the words do not fit, BadArrival when the file has no sound header.
    """
    if not said.strip() or len(said) > MAX_CHARACTERS or not said.isprintable():
        raise InvalidDocument(
            f"licence {printable(said, limit=50)!r}: needs 1 to {MAX_CHARACTERS} printable characters, such "
            "as cc-by-4.0; nothing was written"
        )
    header = read_header(path, object=str(path))
    header["__metadata__"] = header.get("__metadata__", {}) | {KEYS[0]: said.strip()}
    body = json.dumps(header, separators=(",", ":")).encode()
    body += b" " * (-len(body) % _ALIGNMENT)
    if len(body) > MAX_HEADER_BYTES:
        raise InvalidDocument(f"{path}: no room for a licence in its header; nothing was written")
    with path.open("rb") as source, out.open("xb") as copy:
        source.seek(8 + int.from_bytes(source.read(8), "little"))
        copy.write(len(body).to_bytes(8, "little") + body)
        shutil.copyfileobj(source, copy, 16 * 1024 * 1024)
