"""End flow runs that died unseen, every two minutes on the CPU pool, beside the watch.

A watch that died while it held the watch's only slot keeps every other watch from starting: so this is no
part of the watch, and has no slot. Needs the Prefect API alone.
"""

from prefect import flow, get_run_logger

from tasks.credentials.discretion import discreet
from tasks.orchestration.absorb_runs import end_stale_pending
from tasks.orchestration.silent_runs import end_silent
from tasks.settings import WatchSettings, load_settings


@flow(name="tend", flow_run_name="tend")
def tend() -> None:
    """End what a worker took but never began, and what runs without a sign of life."""
    with discreet():
        settings = load_settings(WatchSettings)
        ended = [*end_stale_pending(older_than_s=settings.unbegun_limit_s), *end_silent()]
        if ended:
            get_run_logger().warning("ended, for their process is gone: %s", ", ".join(ended))
