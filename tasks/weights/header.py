"""Read the header of a safetensors file with our own eyes, before any library maps or allocates it.

safetensors 0.8 accepts a header of 100 MB, 600,000 empty tensors and duplicate keys; a source comes from
strangers, so all of that is refused here, and nothing is ever allocated because a file claims a size.
Format: 8 bytes little-endian header length, a JSON object, then the tensors' bytes without gaps.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Never

from tasks.errors import BadArrival
from tasks.weights.kinds import no_safetensors
from tasks.weights.tensor_spec import ITEM_BYTES, Found, TensorSpec

MAX_HEADER_BYTES = 1024 * 1024
MAX_TENSORS = 20_000
MAX_DIMS = 16
MAX_DIM = 2**48


class _Broken(Exception):
    """What was found that a safetensors file cannot hold; becomes a BadArrival with its object."""


def check_header(path: Path, expected: Mapping[str, TensorSpec], *, object: str) -> None:  # noqa: A002
    """Check that a file is a well-formed safetensors file holding exactly the expected tensors.

    object: what errors name, for example the blob's key.
    Raises BadArrival: `weights_format` for the file itself, `weights_tensors` where names, dtypes or shapes
    are not the architecture's.
    """
    _compare(read_tensors(path, object=object), expected, object=object)


def read_tensors(path: Path, *, object: str) -> dict[str, Found]:  # noqa: A002
    """Read and check what a safetensors header says of each tensor. Raises BadArrival (`weights_format`)."""
    header = read_header(path, object=object)
    header.pop("__metadata__", None)
    return {name: _found(entry) for name, entry in header.items()}


def read_header(path: Path, *, object: str) -> dict[str, Any]:  # noqa: A002
    """Read and check a safetensors header: per tensor its entry, and `__metadata__`, a map of strings.

    Raises BadArrival (`weights_format`).
    """
    try:
        return _read(path)
    except _Broken as broken:
        raise BadArrival(
            "weights_format", object=object, found=str(broken), needed="a dense safetensors file"
        ) from broken


def _read(path: Path) -> dict[str, Any]:
    kind = no_safetensors(path)
    if kind:
        raise _Broken(str(kind))
    size = path.stat().st_size
    if size < 8:
        raise _Broken(f"{size} bytes, too short for a header")
    with path.open("rb") as file:
        start = file.read(8)
        length = int.from_bytes(start, "little")
        if length > size - 8:
            raise _Broken(f"begins with {start!r}, which is no length of a header in a file of {size} bytes")
        if length > MAX_HEADER_BYTES:
            raise _Broken(f"a header of {length} bytes, at most {MAX_HEADER_BYTES} are read")
        header = file.read(length)
    parsed = _parse(header)
    _check_dense(_tensors(parsed), data_bytes=size - 8 - length)
    return parsed


def _parse(header: bytes) -> dict[str, Any]:
    if not header.startswith(b"{"):
        raise _Broken("a header that does not start with '{'")
    try:
        raw = json.loads(
            header.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant, parse_int=_int
        )
        if b"\\u" in header:
            json.dumps(raw, ensure_ascii=False).encode()  # half of a surrogate pair is no text
    except UnicodeError as error:
        raise _Broken(f"a header that is not UTF-8 at byte {getattr(error, 'start', 0)}") from error
    except RecursionError as error:
        raise _Broken("a header nested too deeply") from error
    except ValueError as error:
        raise _Broken(f"a header that is not JSON: {error}") from error
    if not isinstance(raw, dict):
        raise _Broken("a header that is no JSON object")
    return raw


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _Broken(f"key {short(key)} twice in the header")
        found[key] = value
    return found


def _int(text: str) -> int:
    if text.startswith("-0"):
        raise _Broken("the number -0 in the header")
    return int(text)


def _no_constant(constant: str) -> Never:
    raise _Broken(f"{constant} in the header")


def _tensors(raw: dict[str, Any]) -> dict[str, Found]:
    metadata = raw.get("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        raise _Broken("a __metadata__ that is no map of strings")
    entries = {name: entry for name, entry in raw.items() if name != "__metadata__"}
    if len(entries) > MAX_TENSORS:
        raise _Broken(f"{len(entries)} tensors, at most {MAX_TENSORS} are read")
    return {name: _tensor(name, entry) for name, entry in entries.items()}


def _tensor(name: str, entry: Any) -> Found:
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise _Broken(f"tensor {short(name)} without exactly dtype, shape and data_offsets")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in ITEM_BYTES:
        raise _Broken(f"tensor {short(name)} of unknown dtype {short(dtype)}")
    if not _sizes(shape, at_most=MAX_DIM) or len(shape) > MAX_DIMS:
        raise _Broken(f"tensor {short(name)} of shape {short(shape)}")
    if not _sizes(offsets, at_most=2**63) or len(offsets) != 2 or offsets[0] > offsets[1]:
        raise _Broken(f"tensor {short(name)} at offsets {short(offsets)}")
    begin, end = offsets
    size_bytes = math.prod(shape) * ITEM_BYTES[dtype]
    if size_bytes != end - begin:
        raise _Broken(
            f"tensor {short(name)} in {end - begin} bytes, {dtype} {tuple(shape)} takes {size_bytes}"
        )
    return _found(entry)


def _found(entry: dict[str, Any]) -> Found:
    """Take over an entry that was checked."""
    return Found(entry["dtype"], tuple(entry["shape"]), *entry["data_offsets"])


def _sizes(value: Any, *, at_most: int) -> bool:
    # type() and not isinstance: true and false are ints in Python, not in the format.
    return isinstance(value, list) and all(type(size) is int and 0 <= size <= at_most for size in value)


def _check_dense(tensors: Mapping[str, Found], *, data_bytes: int) -> None:
    at = 0
    for name, tensor in sorted(tensors.items(), key=lambda item: (item[1].begin, item[1].end)):
        if tensor.begin != at:
            what = "a hole before" if tensor.begin > at else "an overlap at"
            raise _Broken(f"{what} tensor {short(name)}: it begins at {tensor.begin}, {at} was reached")
        at = tensor.end
    if at != data_bytes:
        raise _Broken(f"{data_bytes} bytes after the header, the tensors take {at}")


def _compare(found: Mapping[str, Found], expected: Mapping[str, TensorSpec], *, object: str) -> None:  # noqa: A002
    def refuse(was: str, needed: str) -> Never:
        raise BadArrival("weights_tensors", object=object, found=was, needed=needed)

    missing = [name for name in expected if name not in found]
    extra = [name for name in found if name not in expected]
    if missing or extra:
        refuse(
            f"{_some('missing', missing)}, {_some('unknown', extra)}", "exactly the architecture's tensors"
        )
    for name, spec in expected.items():
        tensor = found[name]
        if tensor.shape != spec.shape:
            refuse(f"tensor {name} is {tensor.shape}", f"{spec.shape}")
        if tensor.dtype not in spec.dtypes:
            refuse(f"tensor {name} is {tensor.dtype}", " or ".join(spec.dtypes))


def _some(what: str, names: list[str]) -> str:
    shown = ", ".join(short(name) for name in names[:3]) + (", ..." if len(names) > 3 else "")
    return f"{len(names)} tensors {what}" + (f" ({shown})" if names else "")


def short(value: Any) -> str:
    """Show a stranger's value in a message: ASCII, at most 100 characters."""
    text = ascii(value)
    return text if len(text) <= 100 else f"{text[:97]}..."
