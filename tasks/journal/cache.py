"""state.json: the fold as it was written down, believed only when it is bound to what it was made from.

It carries a digest of its own bytes, the version of the fold (layout), and a chain: the running SHA-256 of
all entries that went into it. Whoever reads it holds the chain against the entry at its seq. What does not
fit is no cache: the journal is folded from its start.
"""

import hashlib
import re
from collections.abc import Sequence

from pydantic import ValidationError

from tasks.bucket.store import Store
from tasks.contracts import keys
from tasks.contracts.state import NO_DIGEST, State
from tasks.errors import NotThere

_SEAL = re.compile(rb'"seal":"([0-9a-f]{64})"\}\Z')


def digest_of(entry: bytes) -> str:
    """Digest an entry's bytes: SHA-256 (hex)."""
    return hashlib.sha256(entry).hexdigest()


def chained(state: State, digests: Sequence[str], *, since: int) -> State:
    """Carry the chain on. digests: of the entries behind seq `since` that were folded into the state."""
    before, chain = state.before, state.chain
    for digest in digests:
        before, chain = chain, _link(chain, digest)
    change = {"before": before, "chain": chain}
    if state.to_project > since:
        change["to_project_sha256"] = digests[state.to_project - since - 1]
    return state.model_copy(update=change)


def follows(state: State, tip: bytes) -> bool:
    """Say whether a state was folded from a journal whose entry at the state's seq has these bytes."""
    return state.chain == _link(state.before, digest_of(tip))


def written(state: State) -> bytes:
    """Give the bytes of state.json, sealed with their own digest."""
    body = state.model_dump_json().encode()
    return _sealed(body, hashlib.sha256(body).hexdigest())


def read(body: bytes) -> State | None:
    """Read state.json; None for one of another layout, a damaged one, or one that anybody changed."""
    body = body.rstrip()
    found = _SEAL.search(body)
    if found is None:
        return None
    plain = _sealed(body, NO_DIGEST)
    if hashlib.sha256(plain).hexdigest() != found[1].decode():
        return None
    try:
        return State.model_validate_json(plain)
    except ValidationError:
        return None


def _sealed(body: bytes, digest: str) -> bytes:
    return body[: -len(NO_DIGEST) - 2] + digest.encode() + b'"}'


def _link(chain: str, digest: str) -> str:
    return hashlib.sha256(f"{chain}{digest}".encode()).hexdigest()


def load(store: Store, target: str) -> State:
    """Read state.json, and the entry that it is held against; State() where it is no cache of this fold."""
    try:
        state = read(store.get(keys.state_key(target), max_bytes=2**30).body)
        if state is None or state.seq == 0:
            return State()
        tip = store.get(keys.entry_key(target, state.seq)).body
    except NotThere:
        return State()
    if not follows(state, tip):
        return State()  # of another journal, or of entries that are others now
    return state
