"""One watch process: what it costs to look at a bucket in which nothing is new. Prints JSON."""

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from datetime import timedelta

from pydantic import SecretStr

from benchmarks.arrivals.world import BUCKET, NAME
from tasks.arrivals.listing import ListingRule, compare
from tasks.arrivals.triage import triage
from tasks.bucket.store import Store
from tasks.contracts import keys
from tasks.journal.log import Journal
from tasks.journal.projection import is_behind
from tasks.journal.targets import read_target, target_names
from tasks.settings import StoreSettings

FULL = ListingRule(up_to=10**9)
NOTICES = ListingRule(up_to=0)
DAY = timedelta(days=1)


class Counted:
    """Runs something and tells its requests and CPU seconds."""

    def __init__(self, store: Store) -> None:
        self.requests = 0
        store._client.meta.events.register("before-call.s3", self._one)

    def _one(self, **_: object) -> None:
        self.requests += 1

    def run(self, action: Callable[[], object], times: int) -> dict[str, float]:
        """Give requests, and the least CPU seconds of some repetitions."""
        seconds = []
        for _ in range(times):
            self.requests, began = 0, time.process_time()
            action()
            seconds.append(time.process_time() - began)
        return {"requests": self.requests, "cpu_s": min(seconds)}


def look(store: Store, rule: ListingRule) -> None:
    """Look once, as the watch does at every target."""
    for name in target_names(store):
        target = read_target(store, name)
        journal = Journal(store, name, by="bench")
        found = triage(store, target, journal, pending_limit=DAY, rule=rule)
        if (
            found.ready
            or found.refused
            or found.delayed
            or is_behind(store, name, journal.last, etag=journal.beside.get("projected.json"))
        ):
            raise SystemExit(f"the bucket is not idle: {found}")


def settings_of(endpoint: str) -> StoreSettings:
    """Give the settings of the benchmark's bucket; its server checks no credentials."""
    return StoreSettings(
        bucket=BUCKET, endpoint_url=endpoint, access_key_id="bench", secret_access_key=SecretStr("bench")
    )


def main() -> None:
    """Measure one kind of poll: ENDPOINT bare|full|compare|notices|nothing REPETITIONS."""
    endpoint, kind, times = sys.argv[1], sys.argv[2], int(sys.argv[3])
    store = Store.from_settings(settings_of(endpoint))
    counted = Counted(store)
    actions: dict[str, Callable[[], object]] = {
        "nothing": lambda: None,
        "bare": lambda: bare(store),
        "full": lambda: look(store, FULL),
        "notices": lambda: look(store, NOTICES),
    }
    if kind == "listings":  # side by side, in one process, with one client
        journal = Journal(store, NAME, by="bench")
        target, state = read_target(store, NAME), journal.state()
        bare(store)  # warm
        found = {
            name: counted.run(action, times)
            for name, action in {
                "bare": actions["bare"],
                "compare": lambda: compare(store, target, state),
                "full": actions["full"],
            }.items()
        }
    else:
        found = {kind: counted.run(actions[kind], times)}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    cpu = sum(os.times()[:2])
    print(json.dumps({"kinds": found, "peak_bytes": peak, "process_cpu_s": cpu}))


def bare(store: Store) -> None:
    """List the same keys with the same client, and do nothing with them."""
    pages = store._client.get_paginator("list_objects_v2")
    for _ in pages.paginate(Bucket=BUCKET, Prefix=f"{keys.MANIFESTS}digits/"):
        continue


if __name__ == "__main__":
    main()
