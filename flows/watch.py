"""Notice new sources: compare what is in the bucket with what the journals decided, start absorbs.

Runs every 30 seconds on the CPU pool. Level-triggered: a lost event or a crash costs one poll.
Needs the bucket and the Prefect API; never imports torch or mlflow, so that it starts fast.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated

from prefect import flow, get_run_logger
from prefect.runtime import deployment as this_deployment
from pydantic import Field

from tasks.arrivals.listing import ListingRule
from tasks.arrivals.triage import Triage, triage
from tasks.bucket.store import Store
from tasks.credentials.discretion import discreet
from tasks.errors import GraspError, TransientError
from tasks.identity import signed
from tasks.journal.log import Journal
from tasks.journal.projection import is_behind
from tasks.journal.targets import heeded_target, shared, target_names
from tasks.orchestration.absorb_runs import end_stale_pending, trigger_absorb
from tasks.orchestration.watch_runs import clear_watches
from tasks.settings import WatchSettings, load_settings

ENOUGH = 16  # ready arrivals to look for: one starts an absorb, which looks for all


@flow(name="watch", flow_run_name="watch")
def watch(
    share: Annotated[int, Field(ge=1, description="which share of the targets this watch looks at")] = 1,
    shares: Annotated[int, Field(ge=1, description="how many watches share the targets")] = 1,
) -> None:
    """Look at every target of a share once; one that cannot be read holds back no other.

    Raises InvalidSettings for a share that is none of the shares.
    """
    with discreet():
        settings = load_settings(WatchSettings)
        store = Store.from_settings(settings)
        end_stale_pending(older_than_s=settings.unbegun_limit_s)
        began = datetime.now(UTC)
        clear_watches(deployment=this_deployment.id, began=began)
        failed = []
        for name in shared(target_names(store), share=share, shares=shares):
            try:
                look(store, name, settings=settings)
            except GraspError as error:
                get_run_logger().error("target %s: %s", name, error)
                failed.append(name)
            except Exception:  # a fault of ours in one target must not blind the others
                get_run_logger().exception("target %s", name)
                failed.append(name)
        clear_watches(deployment=this_deployment.id, began=began)  # polls that fell due meanwhile
        if failed:
            raise TransientError(
                f"could not look at {', '.join(failed)}; the log says why; the next watch retries"
            )


def look(store: Store, name: str, *, settings: WatchSettings) -> Triage:
    """Triage one target and start an absorb when something is ready or the aliases are behind."""
    journal = Journal(store, name, by=signed("watch"))
    journal.state()
    target, _ = heeded_target(store, journal)
    limit, rule = timedelta(hours=settings.pending_limit_h), ListingRule.of(settings)
    found = triage(store, target, journal, pending_limit=limit, rule=rule, enough=ENOUGH)
    paused = target.paused or journal.last.paused
    ready = [] if paused else [arrival.id for arrival in found.ready]
    if ready or is_behind(store, name, journal.last, etag=journal.beside.get("projected.json")):
        started = trigger_absorb(name, ready=ready)
        _say(name, ready, started)
    return found


def _say(name: str, ready: Sequence[str], started: str | None) -> None:
    what = f"{len(ready)} ready" if ready else "aliases behind the journal"
    then = f"absorb run {started}" if started else "an absorb run is living already"
    get_run_logger().info("target %s: %s; %s", name, what, then)
