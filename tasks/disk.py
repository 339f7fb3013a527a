"""Trouble of this machine's disk, told from any error that carries it: it is nobody's fault and passes."""

import errno
import re
from collections.abc import Iterator

_TROUBLE = {
    errno.ENOSPC: "is full",
    errno.EDQUOT: "is full for this user (quota)",
    errno.EFBIG: "takes no file of this size (ulimit)",
    errno.EROFS: "is read-only",
    errno.EIO: "does not read or write (I/O error)",
}
# Libraries keep the operating system's words and drop its error: safetensors, MLflow's downloads, sqlite.
_SAID = re.compile(r"(?:os error |\[Errno )(\d+)\b")
_WORDS = {"No space left on device": errno.ENOSPC, "database or disk is full": errno.ENOSPC}


def disk_trouble(error: BaseException) -> str | None:
    """Say what is wrong with the disk, if that is what an error, or one behind it, is about."""
    for each in behind(error):
        number = each.errno if isinstance(each, OSError) else None
        if number not in _TROUBLE:
            number = _said(str(each))
        if number in _TROUBLE:
            where = f" at {each.filename}" if isinstance(each, OSError) and each.filename else ""
            return f"this machine's disk {_TROUBLE[number]}{where}"
    return None


def behind(error: BaseException) -> Iterator[BaseException]:
    """Give an error, then those that it was raised from or while handling, each once."""
    seen: set[int] = set()
    rest: list[BaseException | None] = [error]
    while rest:
        each = rest.pop()
        if each is not None and id(each) not in seen:
            seen.add(id(each))
            yield each
            rest += [each.__context__, each.__cause__]


def _said(text: str) -> int | None:
    found = next((int(number) for number in _SAID.findall(text) if int(number) in _TROUBLE), None)
    return found or next((number for words, number in _WORDS.items() if words in text), None)
