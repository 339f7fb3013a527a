"""projected.json: up to where MLflow shows the journal."""

import hashlib

from pydantic import ValidationError

from tasks.bucket.store import Store
from tasks.contracts import keys
from tasks.contracts.state import Projected, State
from tasks.errors import NotThere


def read_projected(store: Store, target: str, state: State) -> Projected:
    """Read how far MLflow shows a journal whose fold is `state`.

    Nothing when that cannot be read or is not said of this journal (its seq lies ahead, or the entry there
    is another), so that all is shown again.
    """
    try:
        shown = Projected.model_validate_json(store.get(keys.projected_key(target)).body)
    except (NotThere, ValidationError):
        return Projected(seq=0)
    if shown.seq > state.to_project or (shown.seq == state.to_project and not _is_of(shown, state)):
        return Projected(seq=0)
    return shown


def is_behind(store: Store, target: str, state: State, *, etag: str | None = None) -> bool:
    """Say whether the journal holds something that MLflow does not show yet.

    etag: of projected.json, where a listing told it. Most stores give an object's MD5, which saves reading
    what is as it should be.
    """
    if state.to_project == 0:
        return False
    if etag == hashlib.md5(_body(state), usedforsecurity=False).hexdigest():
        return False
    return read_projected(store, target, state).seq < state.to_project


def write_projected(store: Store, target: str, state: State) -> None:
    """Say that MLflow shows the journal up to the last entry that it has to show."""
    store.put(keys.projected_key(target), _body(state))


def _is_of(shown: Projected, state: State) -> bool:
    same_entry = shown.entry_sha256 in {None, state.to_project_sha256}
    return same_entry and (shown.champion, shown.previous) == (state.champion, state.previous)


def _body(state: State) -> bytes:
    shown = Projected(
        seq=state.to_project,
        entry_sha256=state.to_project_sha256,
        champion=state.champion,
        previous=state.previous,
    )
    return shown.model_dump_json().encode()
