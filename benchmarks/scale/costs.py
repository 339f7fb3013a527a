"""What one thing costs, as measured; docs/scale.md says how."""

from typing import NamedTuple


class Costs(NamedTuple):
    """Seconds, requests and rows of one watch, one look at a target, one run, one absorbed source."""

    # python -m benchmarks.arrivals, 2026-11-21: CPU seconds of a scheduled watch with its process
    watch_s: float = 2.2
    # the same, by notices: what one target adds
    watch_target_s: float = 0.025
    watch_target_requests: float = 5.0
    # python -m benchmarks.workers: 6,255 rows of 12 runs with a source each and 112 watches, shared out
    prefect_rows_watch: float = 26.0
    prefect_rows_run: float = 120.0
    prefect_rows_absorb: float = 125.0
    mlflow_requests_absorb: float = 65.0  # counted in MLflow's log by the same
    bucket_requests_absorb: float = 30.0  # an assumption
    journal_entries_absorb: float = 3.0
    # from the watch's call to the first attempt: worker's poll, process, imports
    run_start_s: float = 13.0
    manifest_bytes: int = 900
    state_bytes_decided: int = 68


MEASURED = Costs()
