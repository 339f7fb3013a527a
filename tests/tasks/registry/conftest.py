"""The registry is tried with what the tests of tracking make: units, candidates, an MLflow server."""

from tests.tasks.tracking.conftest import (  # noqa: F401
    candidate,
    client,
    decided,
    downloads,
    make_candidate,
    target,
    unchanged,
    unit,
)
