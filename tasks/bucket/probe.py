"""Does the store keep what we build on? Asked once where a worker starts and where a target is created."""

import hashlib
import logging
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path

from tasks.bucket.errors import ALLOW_ONE_WRITER
from tasks.bucket.store import Store
from tasks.errors import AlreadyThere, NotThere, StoreRefused
from tasks.settings import Settings, StoreSettings

log = logging.getLogger(__name__)

PREFIX = "probes/"
WRITERS = 16
ROUNDS = 3
ODD_NAME = "a b+c%2F=ä"
BODY = b"probe"
NAMES, PAGE = 5, 2  # that are listed, and as many at once: a server has to give them page by page
CLOCK_LIMIT = timedelta(minutes=5)
VALID_S = 24 * 3600


def probe(store: Store, settings: StoreSettings) -> None:
    """Try credentials, addressing, reading one's writes, conditional writes and the clock; tidy up.

    Raises StoreRefused that names what fails and what to set, StoreUnavailable when nothing answers.
    """
    prefix = f"{PREFIX}{uuid.uuid4().hex}/"
    names = [f"{prefix}{ODD_NAME}", *(f"{prefix}name-{number}" for number in range(1, NAMES))]
    races = [f"{prefix}race-{number}" for number in range(ROUNDS)]
    try:
        _check_object(store, names[0])
        _check_listing(store, prefix, names)
        _check_clock(store)
        if settings.single_publisher and settings.single_worker:
            log.warning("GRASP_SINGLE_PUBLISHER and GRASP_SINGLE_WORKER are set: writers are not kept apart")
            return
        for key in races:
            _check_one_wins(store, key)
    finally:
        _tidy(store, names + races)


def probe_once(store: Store, settings: Settings) -> None:
    """Probe unless this machine did within a day; the watch, which starts often, leaves it to the workers."""
    # All that the answer depends on: a store that one writer may use is not yet fit for several.
    asked = " ".join(
        map(
            str,
            (
                version("grasp-pipeline"),
                settings.endpoint_url,
                settings.region,
                settings.bucket,
                settings.access_key_id,
                settings.addressing,
                settings.single_publisher and settings.single_worker,
            ),
        )
    )
    mark = settings.cache_dir / "probed" / hashlib.sha256(asked.encode()).hexdigest()
    if _is_recent(mark):
        return
    probe(store, settings)
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.touch()


def _check_object(store: Store, key: str) -> None:
    """An object whose name has to be encoded comes back with its bytes, and tells how many they are."""
    store.put(key, BODY)
    try:
        body, head = store.get(key).body, store.head(key)
    except NotThere:
        head = None
    if head is None:
        raise StoreRefused(
            f"{store.where}: an object is not found right after it was written; the store, or a proxy before "
            "it, changes names or is not strongly consistent; nothing was started"
        )
    if body != BODY or head.size_bytes != len(BODY):
        raise StoreRefused(
            f"{store.where}: of {len(BODY)} bytes that were written HEAD tells {head.size_bytes}, and "
            f"{len(body)} came back, {'the same' if body == BODY else 'others'}; a proxy may compress them "
            "(Content-Encoding): have it leave them as they are; nothing was started"
        )


def _check_listing(store: Store, prefix: str, names: list[str]) -> None:
    """Names are listed as they are, right after they were written, in byte order, page by page."""
    for name in names[1:]:
        store.put(name, BODY)
    listed = [item.key for item in store.list(prefix, page=PAGE)]
    if set(listed) < set(names):
        raise StoreRefused(
            f"{store.where}: {len(listed)} of {len(names)} objects are listed right after they were written, "
            "needs all: its listings are not strongly consistent; nothing was started"
        )
    if listed != names:
        raise StoreRefused(
            f"{store.where}: objects {names} are listed as {listed}; a proxy may change addresses: check "
            "AWS_ENDPOINT_URL and GRASP_S3_ADDRESSING; nothing was started"
        )


def _check_clock(store: Store) -> None:
    skew = store.clock - datetime.now(UTC)
    if abs(skew) > CLOCK_LIMIT:
        log.warning("this machine's clock is %.0f s off the store's", -skew.total_seconds())


def _check_one_wins(store: Store, key: str) -> None:
    barrier = threading.Barrier(WRITERS)

    def write(number: int) -> bool:
        barrier.wait()
        try:
            store.create(key, f"writer {number}".encode())
        except AlreadyThere:
            return False
        except StoreRefused as error:
            if ALLOW_ONE_WRITER in str(error):
                raise
            raise StoreRefused(
                f"{store.where}: refuses conditional writes, while plain ones work "
                f"({str(error).partition(';')[0]}): {ALLOW_ONE_WRITER}; nothing was started"
            ) from error
        return True

    with ThreadPoolExecutor(WRITERS) as pool:
        won = list(pool.map(write, range(WRITERS)))
    if sum(won) != 1 or store.get(key).body != f"writer {won.index(True)}".encode():
        raise StoreRefused(
            f"{store.where}: {sum(won)} of {WRITERS} writers created one object, needs 1: the store does not "
            f"heed If-None-Match: {ALLOW_ONE_WRITER}; nothing was started"
        )


def _tidy(store: Store, keys: list[str]) -> None:
    for key in keys:
        try:
            store.delete(key)
        except StoreRefused as error:
            log.warning("%s; objects below %s may be deleted by hand", error, PREFIX)
            return


def _is_recent(mark: Path) -> bool:
    try:
        return 0 <= time.time() - mark.stat().st_mtime < VALID_S  # a clock that was set back proves nothing
    except FileNotFoundError:
        return False
