"""A target's journal in the bucket: dense, append-only; the next entry is a compare-and-swap."""

import logging
import random
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from pydantic import TypeAdapter, ValidationError

from tasks.bucket.store import Store
from tasks.contracts import keys
from tasks.contracts.changed import ENTRY_VERSION
from tasks.contracts.journal import Entry
from tasks.contracts.reading import check_schema_version
from tasks.contracts.state import Listing, State
from tasks.errors import AlreadyThere, JournalMoved, NotThere, StoreRefused
from tasks.journal import cache
from tasks.journal.fold import fold
from tasks.journal.wedged import check_dense, wedged
from tasks.journal.wording import without_secrets
from tasks.problems import first_problem

log = logging.getLogger(__name__)

CACHE_EVERY = 32  # entries behind which a writer writes state.json again
READERS = 16
FIRST_WAIT_S, LONGEST_WAIT_S = 0.05, 2.0  # after a lost race: any time up to it, twice as long each time
AT_ONCE = 512  # entries held in memory while a long journal is folded
_NAME = re.compile(r"\A[0-9]{12}\.json\Z")
_ENTRY: TypeAdapter[Entry] = TypeAdapter(Entry)


class Stamp(NamedTuple):
    """What every entry starts with: `Accepted(**stamp._asdict(), ...)`. at: on the store's clock."""

    seq: int
    at: datetime
    by: str


Think = Callable[[State, Stamp], Entry | None]


class Journal:
    """The journal of one target; `by` signs what this writer appends."""

    def __init__(self, store: Store, target: str, *, by: str) -> None:
        self._store, self.target, self._by = store, target, by
        self._state = State()
        self._cached_seq = 0
        self.beside: dict[str, str] = {}  # ETags of what lies beside the entries, as state() saw them last

    def state(self) -> State:
        """Fold the journal up to its tip: two requests, and one for each entry not folded before.

        Raises InvalidDocument when an entry is damaged or missing.
        """
        if self._state.seq == 0:
            self._state = cache.load(self._store, self.target)
            self._cached_seq = self._state.seq
        if not self._read_on():
            self._state, self._cached_seq = State(), 0  # of a journal that is no more
            self._read_on()
        return self._state

    @property
    def last(self) -> State:
        """Give the state as last read or written here, without asking the bucket."""
        return self._state

    def entries(self, *, after: int = 0) -> Iterator[Entry]:
        """Read the entries behind seq `after`, in order. Raises InvalidDocument when one is damaged."""
        yield from (entry for entry, _ in self._read_all(self._names(after=after)))

    def entry(self, seq: int) -> Entry:
        """Read one entry. Raises NotThere, InvalidDocument."""
        return self._read(keys.entry_key(self.target, seq))[0]

    def digest(self, seq: int) -> str | None:
        """Give the SHA-256 of an entry's bytes; None when there is no such entry."""
        try:
            return cache.digest_of(self._store.get(keys.entry_key(self.target, seq)).body)
        except NotThere:
            return None

    def append(self, entry: Entry) -> State:
        """Append an entry that follows the state last read here; JournalMoved when another was faster."""
        entry = without_secrets(entry)
        after = fold(self._state, [entry])
        key = keys.entry_key(self.target, entry.seq)
        body = _ENTRY.dump_json(entry, indent=1)
        try:
            self._store.create(key, body)
        except AlreadyThere as error:
            raise JournalMoved(f"{key}: another writer appended it first; nothing was written") from error
        self._state = cache.chained(after, [cache.digest_of(body)], since=entry.seq - 1)
        self._cache(CACHE_EVERY)
        return self._state

    def transact(self, think: Think) -> State:
        """Read the tip, let `think` say what to append there, append; think again when another was faster.

        `think` returns None when nothing is left to say, and may raise to give up. Losers wait, each for a
        time of its own, so that however many write at once everybody gets his turn.
        """
        wait_s = FIRST_WAIT_S
        while True:
            state = self.state()
            entry = think(state, Stamp(state.seq + 1, self._store.clock, self._by))
            if entry is None:
                return state
            try:
                return self.append(entry)
            except JournalMoved:
                time.sleep(random.uniform(0, wait_s))
                wait_s = min(2 * wait_s, LONGEST_WAIT_S)

    def propose(self, think: Think) -> State:
        """As transact, but think first of the state last read here: one request while nobody else writes.

        For a `think` that may err on the cautious side with an old state: what it wants to append is only
        appended if the state was the tip; when it wants nothing, it is asked again at the tip.
        """
        entry = think(self._state, Stamp(self._state.seq + 1, self._store.clock, self._by))
        if entry is None:
            return self.transact(think)
        try:
            return self.append(entry)
        except JournalMoved:
            return self.transact(think)

    def keep(self, listing: Listing | None = None) -> None:
        """Write state.json if it is behind, so that the next reader has nothing to fold.

        listing: what a full listing of manifests found, for readers that then need none.
        """
        if listing:
            self._state = self._state.model_copy(update={"listing": listing})
        self._cache(0 if listing else 1)

    def _read_on(self) -> bool:
        """Fold what follows; False when the entry folded last is no longer there."""
        tip, self.beside = self._state.seq, {}
        names = self._names(after=max(tip - 1, 0))
        if tip and next(names, None) != keys.entry_key(self.target, tip):
            return False
        while some := list(islice(names, AT_ONCE)):
            check_dense(self.target, some, after=self._state.seq)
            read = list(self._read_all(iter(some)))
            after = fold(self._state, (entry for entry, _ in read))
            self._state = cache.chained(after, [digest for _, digest in read], since=self._state.seq)
            self._cache(CACHE_EVERY)
        return True

    def _names(self, *, after: int) -> Iterator[str]:
        prefix = keys.journal_prefix(self.target)
        for item in self._store.list(prefix, after=keys.entry_key(self.target, after)):
            name = item.key[len(prefix) :]
            if _NAME.match(name):
                yield item.key
            else:
                self.beside[name] = item.etag

    def _read_all(self, names: Iterator[str]) -> Iterator[tuple[Entry, str]]:
        with ThreadPoolExecutor(READERS) as pool:
            while some := list(islice(names, AT_ONCE)):
                yield from pool.map(self._read, some)

    def _read(self, key: str) -> tuple[Entry, str]:
        """Read an entry, with the digest of its bytes."""
        body = self._store.get(key).body
        try:
            entry = _ENTRY.validate_json(body)
        except ValidationError as error:
            check_schema_version(body, name=key, known=ENTRY_VERSION)
            raise wedged(self.target, f"{key}: {first_problem(error)}") from error
        if keys.entry_key(self.target, entry.seq) != key:
            raise wedged(self.target, f"{key}: says seq {entry.seq}")
        return entry, cache.digest_of(body)

    def _cache(self, behind: int) -> None:
        if self._state.seq - self._cached_seq < behind:
            return
        try:
            self._store.put(keys.state_key(self.target), cache.written(self._state))
        except StoreRefused as error:
            log.debug("state.json is left as it is: %s", error)  # whoever may only read can do without
        self._cached_seq = self._state.seq
