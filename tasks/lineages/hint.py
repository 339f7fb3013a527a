"""What an unfinished rebuild stands on, said beside the journal so that `grasp prune` leaves it alone.

A rebuild that dies before its first decision leaves no trace in the journal. A hint decides nothing. The
pipeline may not delete, so it marks a hint as ended, and `grasp prune` clears it away.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Literal, TypeVar

from pydantic import Field, ValidationError

from tasks.absorbing.work import Work
from tasks.bucket.store import Store
from tasks.contracts import keys
from tasks.contracts.base import Document, IsoDate, Name
from tasks.contracts.state import State
from tasks.errors import InvalidDocument, NotThere, OperationRefused
from tasks.journal.log import Journal
from tasks.lineages.rebuild import Rebuild
from tasks.problems import first_problem

PREFIX = "rebuild-"
T = TypeVar("T")


class Hint(Document):
    """What one rebuild needs: its start version, and sources from `since` on."""

    schema_version: Literal[1] = 1
    lineage: Name
    start: int | None
    since: tuple[IsoDate, IsoDate]
    began: int = Field(ge=0, description="seq of the journal when it began")
    ended: bool = False


def hint_key(target: str, lineage: str) -> str:
    """Give the key of a lineage's hint."""
    return f"{keys.journal_prefix(target)}{PREFIX}{lineage}.json"


def keeping(work: Work, rebuild: Rebuild, build: Callable[[], T]) -> T:
    """Build with a hint beside the journal; it ends with a build that finished (gave something) or cannot.

    What dies, is stopped, or fails for reasons that pass may go on: its hint stays.
    """
    _put(work, rebuild)
    try:
        done = build()
    except OperationRefused:
        _put(work, rebuild, ended=True)
        raise
    if done:
        _put(work, rebuild, ended=True)
    return done


def begun_before(work: Work, rebuild: Rebuild) -> Rebuild:
    """Let a rebuild that holds decisions count from when it first began, not from its first decision."""
    if rebuild.lineage not in work.journal.last.lineages:
        return rebuild
    try:
        hint = _read(work.store, hint_key(rebuild.target, rebuild.lineage))
    except NotThere:
        return rebuild
    return replace(rebuild, began=min(rebuild.began, hint.began))


def living_hints(store: Store, journal: Journal) -> list[Hint]:
    """Read the hints of rebuilds that may still go on, as of the state last read. Raises InvalidDocument."""
    return [hint for _, hint in _hints(store, journal) if _lives(hint, journal.last)]


def clear_ended(store: Store, journal: Journal) -> None:
    """Delete the hints of rebuilds that ended."""
    for key, hint in list(_hints(store, journal)):
        if not _lives(hint, journal.last):
            store.delete(key)


def _lives(hint: Hint, state: State) -> bool:
    """Say whether a rebuild may go on; one that took over may have died before it said so."""
    return not hint.ended and hint.lineage != state.lineage


def _hints(store: Store, journal: Journal) -> Iterator[tuple[str, Hint]]:
    for name in sorted(journal.beside):
        if name.startswith(PREFIX):
            key = keys.journal_prefix(journal.target) + name
            try:
                yield key, _read(store, key)
            except NotThere:  # cleared away just now
                continue


def _read(store: Store, key: str) -> Hint:
    try:
        return Hint.model_validate_json(store.get(key).body)
    except ValidationError as error:
        raise InvalidDocument(f"{key}: {first_problem(error)}; delete it if no rebuild needs it") from error


def _put(work: Work, rebuild: Rebuild, *, ended: bool = False) -> None:
    hint = Hint(
        lineage=rebuild.lineage,
        start=rebuild.start,
        since=rebuild.since,
        began=rebuild.began,
        ended=ended,
    )
    work.store.put(hint_key(rebuild.target, rebuild.lineage), hint.model_dump_json().encode())
