"""Take a stranger's weights in: download, verify, check; only what passed stays on this worker."""

from pathlib import Path

from tasks.blobs import fetch_weights
from tasks.contracts.base import Architecture
from tasks.contracts.manifest import Weights
from tasks.errors import BadArrival
from tasks.store import Store
from tasks.weights import check_source


def take_in(
    store: Store,
    weights: Weights,
    architecture: Architecture,
    *,
    cache_dir: Path,
    limit_bytes: int | None = None,
) -> Path:
    """Give a local file of exactly this architecture's tensors, all finite.

    Raises BadArrival, after which no file of it is left; BlobChanged when the blob went away, NoSpace.
    """
    path = fetch_weights(store, weights, cache_dir=cache_dir, limit_bytes=limit_bytes)
    try:
        check_source(path, architecture, object=weights.key)
    except BadArrival:
        path.unlink(missing_ok=True)
        raise
    return path
