"""A journal that cannot be read on: what is in the way, and what helps."""

from collections.abc import Sequence
from itertools import count

from tasks.contracts import keys
from tasks.errors import InvalidDocument


def wedged(target: str, what: str) -> InvalidDocument:
    """Give the error that names what is in a journal's way, and the remedy."""
    return InvalidDocument(
        f"{what}; the journal of {target} cannot be read on; no writer of ours leaves that: "
        f"grasp repair {target} --journal says what is in the way and what helps"
    )


def check_dense(target: str, names: Sequence[str], *, after: int) -> None:
    """Raise InvalidDocument at a gap in the names of entries that follow `after`, before they are read."""
    for seq, name in zip(count(after + 1), names, strict=False):
        if name != keys.entry_key(target, seq):
            found = int(name.rpartition("/")[2].removesuffix(".json"))
            what = f"{name}: journal entry {found} follows entry {seq - 1}, needs {seq}; entries are missing"
            raise wedged(target, what)
