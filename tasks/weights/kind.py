"""Tell a torch checkpoint from a safetensors file by its first bytes, whatever its name."""

from pathlib import Path

MAGIC = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")  # zip, and pickles of old
LENGTH = 8  # bytes that say how long a safetensors header is, little-endian; the header is JSON


def is_checkpoint(path: Path) -> bool:
    """Say whether a file is a torch checkpoint."""
    with path.open("rb") as file:
        start = file.read(LENGTH + 1)
    return start.startswith(MAGIC) and not _is_safetensors(start, path.stat().st_size)


def _is_safetensors(start: bytes, size_bytes: int) -> bool:
    """The length of a header may begin as a pickle does: 640 is the bytes 80 02."""
    return start[LENGTH:] == b"{" and int.from_bytes(start[:LENGTH], "little") <= size_bytes - LENGTH
