"""What a rebuild will cost, from what the same sources cost before."""

from statistics import median
from typing import NamedTuple

from mlflow import MlflowClient

from tasks.bucket.store import Store
from tasks.contracts.manifest import Manifest
from tasks.tracking.api import answering
from tasks.tracking.experiments import experiment_of, runs_of


class Cost(NamedTuple):
    """seconds: recorded ones, a median where a source has none; None when nothing was recorded at all."""

    sources: int
    seconds: float | None
    fetch_count: int
    fetch_bytes: int
    missing: tuple[str, ...]


def cost_of(
    client: MlflowClient, store: Store, target: str, *, sources: dict[str, Manifest], cached: set[str]
) -> Cost:
    """Estimate a rebuild. sources: manifests by arrival id; cached: digests of blobs on this machine."""
    recorded = _seconds_by_arrival(client, target)
    usual = median(recorded.values()) if recorded else None
    weights = {manifest.weights.sha256: manifest.weights for manifest in sources.values()}
    fetched = [each for each in weights.values() if each.sha256 not in cached]
    return Cost(
        sources=len(sources),
        seconds=None if usual is None else sum(recorded.get(arrival, usual) for arrival in sources),
        fetch_count=len(fetched),
        fetch_bytes=sum(each.size_bytes for each in fetched),
        missing=tuple(each.key for each in fetched if store.head(each.key) is None),
    )


def _seconds_by_arrival(client: MlflowClient, target: str) -> dict[str, float]:
    with answering(f"experiment {target}"):
        runs = runs_of(client, experiment_of(client, target), "tags.kind = 'absorb'")
    found = {
        run.data.tags["arrival_id"]: sum(
            value for name, value in run.data.metrics.items() if name.startswith("seconds/")
        )
        for run in runs
        if "arrival_id" in run.data.tags
    }
    return {arrival: seconds for arrival, seconds in found.items() if seconds > 0}
