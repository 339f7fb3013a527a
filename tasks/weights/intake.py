"""Take a stranger's weights in: download, verify, check; only what passed stays on this worker."""

from pathlib import Path

from tasks.bucket.store import Store
from tasks.contracts.base import Architecture
from tasks.contracts.manifest import Weights
from tasks.errors import BadArrival
from tasks.weights.blobs import fetch_weights
from tasks.weights.files import check_source, largest_file


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
    most = largest_file(architecture)
    if weights.size_bytes > most:
        raise BadArrival(
            "blob_size",
            object=weights.key,
            found=f"{weights.size_bytes} bytes declared",
            needed=f"at most {most}, more than {architecture.id} can take; it was not fetched",
        )
    path = fetch_weights(store, weights, cache_dir=cache_dir, limit_bytes=limit_bytes)
    try:
        check_source(path, architecture, object=weights.key)
    except BadArrival:
        path.unlink(missing_ok=True)
        raise
    return path
