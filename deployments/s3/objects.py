"""Buckets and objects, in one sqlite database: a commit there is what makes a write atomic and durable."""

import json
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple

from deployments.s3.answers import Refused, no_such_key
from deployments.s3.disk import Files, Received

LAST = "\U0010ffff"  # no key is behind it that begins the same
SCHEMA = """
CREATE TABLE IF NOT EXISTS bucket (name TEXT PRIMARY KEY, made REAL NOT NULL);
CREATE TABLE IF NOT EXISTS object (
    bucket TEXT NOT NULL, key TEXT NOT NULL, etag TEXT NOT NULL, size INTEGER NOT NULL,
    modified REAL NOT NULL, headers TEXT NOT NULL, body BLOB, file TEXT, PRIMARY KEY (bucket, key));
CREATE TABLE IF NOT EXISTS upload (
    id TEXT PRIMARY KEY, bucket TEXT NOT NULL, key TEXT NOT NULL, headers TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS part (
    upload TEXT NOT NULL, number INTEGER NOT NULL, etag TEXT NOT NULL, size INTEGER NOT NULL,
    body BLOB, file TEXT, PRIMARY KEY (upload, number));
"""


class Entry(NamedTuple):
    """An object as a listing has it, or with `common` what several begin with."""

    key: str
    etag: str = ""
    size: int = 0
    modified: float = 0.0
    common: bool = False


class Found(NamedTuple):
    """An object. body: its bytes where they are few, else they are in the file."""

    etag: str
    size: int
    modified: float
    headers: Mapping[str, str]
    body: bytes | None
    file: str | None


class Condition(NamedTuple):
    """What a request depends on, as it stands in its headers."""

    if_match: str | None
    if_none_match: str | None

    def holds(self, etag: str | None) -> bool:
        """Say whether it holds for an object with this ETag; None: there is none."""
        wanted = self.if_match is None or etag in _tags(self.if_match, etag)
        return wanted and not (self.if_none_match and etag in _tags(self.if_none_match, etag))


class Objects:
    """All buckets below one directory. One lock: a request waits for those before it, not for their bytes."""

    def __init__(self, directory: Path) -> None:
        self.files = Files(directory / "files")
        self._lock = threading.RLock()
        self._database = sqlite3.connect(
            directory / "objects.db", isolation_level=None, check_same_thread=False
        )
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=FULL")  # a commit is on the disk when it returns
        self._database.executescript(SCHEMA)
        kept = self.all("SELECT file FROM object UNION SELECT file FROM part")
        self.files.sweep({file for (file,) in kept if file})

    @contextmanager
    def change(self) -> Iterator[sqlite3.Connection]:
        """Change several rows, or none."""
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")

    def all(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Read rows."""
        with self._lock:
            return self._database.execute(query, values).fetchall()

    def buckets(self) -> list[tuple[str, float]]:
        """Give every bucket's name, and when it was made."""
        return [(name, made) for name, made in self.all("SELECT name, made FROM bucket ORDER BY name")]

    def make_bucket(self, name: str) -> None:
        """Make a bucket, if it is not there."""
        with self.change() as database:
            database.execute("INSERT OR IGNORE INTO bucket VALUES (?, ?)", (name, time.time()))

    def need_bucket(self, name: str) -> None:
        """Raise Refused unless the bucket is there."""
        if not self.all("SELECT 1 FROM bucket WHERE name = ?", name):
            raise Refused(HTTPStatus.NOT_FOUND, "NoSuchBucket", f"bucket {name} is not there")

    def put(
        self, bucket: str, key: str, received: Received, *, etag: str, headers: str, condition: Condition
    ) -> None:
        """Write an object, if the condition holds at the moment of the commit. Raises Refused."""
        try:
            with self.change() as database:
                select = "SELECT etag, file FROM object WHERE bucket = ? AND key = ?"
                before, file = database.execute(select, (bucket, key)).fetchone() or (None, None)
                need(condition, key, before)
                row = (bucket, key, etag, received.size, time.time(), headers, received.body, received.file)
                database.execute("INSERT OR REPLACE INTO object VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        except BaseException:
            self.files.drop(received.file)
            raise
        self.files.drop(file)

    def find(self, bucket: str, key: str) -> Found:
        """Give an object. Raises Refused when it is not there."""
        self.need_bucket(bucket)
        select = "SELECT etag, size, modified, headers, body, file FROM object WHERE bucket = ? AND key = ?"
        rows = self.all(select, bucket, key)
        if not rows:
            raise no_such_key(key)
        etag, size, modified, headers, body, file = rows[0]
        return Found(etag, size, modified, json.loads(headers), body, file)

    def delete(self, bucket: str, key: str) -> None:
        """Delete an object, if it is there."""
        with self.change() as database:
            where = "FROM object WHERE bucket = ? AND key = ?"
            found = database.execute(f"SELECT file {where}", (bucket, key)).fetchone()
            database.execute(f"DELETE {where}", (bucket, key))
        self.files.drop(found[0] if found else None)

    def page(self, bucket: str, *, prefix: str, delimiter: str, after: str, limit: int) -> list[Entry]:
        """List up to so many keys behind `after`, in byte order; what the delimiter cuts off counts once."""
        self.need_bucket(bucket)
        entries: list[Entry] = []
        while len(entries) < limit:
            rows = self.all(
                "SELECT key, etag, size, modified FROM object WHERE bucket = ? AND key > ? AND key >= ? "
                "ORDER BY key LIMIT ?",
                *(bucket, after, prefix, limit - len(entries)),
            )
            for row in rows:
                entry = Entry(*row)
                if not entry.key.startswith(prefix):
                    return entries
                cut = entry.key.find(delimiter, len(prefix)) if delimiter else -1
                if cut >= 0:
                    entries.append(Entry(entry.key[: cut + len(delimiter)], common=True))
                    after = entries[-1].key + LAST
                    break
                entries.append(entry)
                after = entry.key
            if not rows:
                break
        return entries


def need(condition: Condition, key: str, etag: str | None) -> None:
    """Raise Refused, 412, unless the condition holds."""
    if not condition.holds(etag):
        raise Refused(
            HTTPStatus.PRECONDITION_FAILED, "PreconditionFailed", f"{key}: the condition does not hold"
        )


def _tags(header: str, etag: str | None) -> set[str | None]:
    """Read a list of ETags; `*` stands for any that is there."""
    if header.strip() == "*":
        return {etag} - {None}
    return {each.strip().removeprefix("W/").strip('"') for each in header.split(",")}
