"""A journal that a stranger wrote into: what is in the way, and how it is moved aside without losing a byte.

By itself only moves what never was an entry: what does not read as one, behind the last that does. Whatever
reads as an entry stays, unless a person names it and it stands behind what reads on.
"""

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass

from pydantic import ValidationError

from tasks.bucket.store import Store
from tasks.contracts import keys
from tasks.contracts.state import State
from tasks.errors import AlreadyThere, InvalidDocument, NotThere, OperationRefused
from tasks.journal.log import Journal

_ENTRY = re.compile(r"\A[0-9]{12}\.json\Z")
SHOWN = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Stranger:
    """An object in the journal that cannot be read on. why: what is wrong; sha256: of its bytes."""

    seq: int
    key: str
    sha256: str
    why: str

    @property
    def aside(self) -> str:
        """Name the key, outside of the journal, that its bytes are moved to."""
        return f"{keys.ASIDE}{self.key.removesuffix('.json')}-{self.sha256}.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Diagnosis:
    """How far a journal reads, and what is in the way. refused: why moving it aside would not help, if so."""

    tip: int
    strangers: tuple[Stranger, ...]
    refused: str = ""


def diagnose(store: Store, target: str, *, named: Collection[int] = ()) -> Diagnosis:
    """Read a journal from its beginning, and say what is in the way of reading on.

    named: seqs that a person says are a stranger's although they read as entries. Raises OperationRefused
    when one of them stands in the part that reads, NewerSchema when an entry needs newer code.
    """
    journal = Journal(store, target, by="repair")
    prefix = keys.journal_prefix(target)
    listed = [item.key for item in store.list(prefix) if _ENTRY.match(item.key[len(prefix) :])]
    numbers = {int(key[len(prefix) : -len(".json")]): key for key in listed}
    numbers.pop(0, None)  # no reader looks there
    wrong = {seq: why for seq in sorted(numbers) if (why := _wrong(journal, seq))}
    tip = next(seq for seq in range(len(numbers) + 1) if seq + 1 not in numbers or seq + 1 in wrong)
    if within := sorted(seq for seq in named if seq <= tip):
        raise OperationRefused(
            f"journal of {target}: entry {within[0]} is read by everybody and stays; --aside takes entries "
            f"behind {tip}, the last that can be read; nothing was changed"
        )
    behind = [seq for seq in sorted(numbers) if seq > tip]
    reads = [seq for seq in behind if seq not in wrong and seq not in named]
    strangers = tuple(
        _stranger(store, numbers[seq], seq, wrong.get(seq, "named by a person"))
        for seq in behind
        if seq in wrong or seq in named
    )
    folded, there = _folded(store, target), tip + 1 in numbers
    refused = _refused(folded, tip, reads, there=there, given_up=tip + 1 in named)
    return Diagnosis(tip=tip, strangers=strangers, refused=refused)


def move_aside(store: Store, target: str, found: Diagnosis) -> list[str]:
    """Move what is in the way aside, each whole before it is deleted, from the last backwards; give its keys.

    Raises OperationRefused when that would not help, or when one changed since it was looked at. Can be done
    again.
    """
    if found.refused:
        raise OperationRefused(f"journal of {target}: {found.refused}; nothing was changed")
    moved = []
    for stranger in reversed(found.strangers):
        body = store.get(stranger.key).body
        if hashlib.sha256(body).hexdigest() != stranger.sha256:
            raise OperationRefused(f"{stranger.key}: changed since it was looked at; look again")
        try:
            store.create(stranger.aside, body)
        except AlreadyThere:
            if store.get(stranger.aside).body != body:
                raise
        store.delete(stranger.key)
        moved.append(stranger.aside)
    return moved


def _wrong(journal: Journal, seq: int) -> str:
    try:
        journal.entry(seq)
    except InvalidDocument as error:
        return str(error)
    except NotThere:
        return ""  # gone since it was listed
    return ""


def _stranger(store: Store, key: str, seq: int, why: str) -> Stranger:
    return Stranger(seq=seq, key=key, sha256=hashlib.sha256(store.get(key).body).hexdigest(), why=why)


def _refused(folded: int, tip: int, reads: list[int], *, there: bool, given_up: bool) -> str:
    """Say why a person has to look first; "" when what is in the way can be moved aside.

    folded: up to where state.json read the journal once. there: whether something stands at the next seq.
    """
    versions = "look for its bytes in the bucket's older versions or in a backup, and put them back"
    if tip < folded and there and not given_up and not reads:
        return (
            f"entry {tip + 1} was read as a good one before (state.json counts {folded}), so it was "
            f"overwritten; {versions}; where they are lost, --aside {tip + 1} gives up what it said"
        )
    if not reads:
        return ""
    shown = ", ".join(map(str, reads[:SHOWN])) + (" …" if len(reads) > SHOWN else "")
    if there:
        return (
            f"entries {shown} behind entry {tip + 1} can be read, so that one was overwritten; {versions}; "
            f"if they are a stranger's too, name them with --aside"
        )
    return (
        f"entry {tip + 1} is missing and entries {shown} behind it can be read, so entries were deleted; "
        f"{versions}; if those behind are a stranger's, name them with --aside"
    )


def _folded(store: Store, target: str) -> int:
    try:
        return State.model_validate_json(store.get(keys.state_key(target), max_bytes=2**30).body).seq
    except (NotThere, ValidationError):
        return 0
