"""What a person does to a target by hand, in words: for commands and for forms in Prefect's UI alike."""

from collections.abc import Callable

from tasks.absorbing.work import open_work
from tasks.operations.operate import doubt_of, promote, roll_back
from tasks.printable import printable


def promote_by_hand(target: str, version: int, *, reason: str, by: str, warn: Callable[[str], object]) -> str:
    """Make a version the champion; say what is. warn: hears what speaks against it. Raises as promote."""
    work = open_work(target, by=by)
    if doubt := doubt_of(work.journal, version):
        warn(f"{printable(doubt)}; it is promoted all the same")
    state = promote(work, version, reason=reason)
    return f"champion of {target} is version {state.champion}, previous is {state.previous or 'none'}"


def roll_back_by_hand(target: str, version: int | None, *, reason: str, by: str) -> str:
    """Move the champion back; say what is. Without a version to the one before. Raises as roll_back."""
    state = roll_back(open_work(target, by=by), version, reason=reason)
    return f"champion of {target} is version {state.champion} again; version {state.previous} is previous"
