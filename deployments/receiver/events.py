"""Tell Prefect that manifests came, with one event that the watch's trigger waits for."""

from datetime import UTC, datetime
from uuid import uuid4

from tasks.orchestration.flow_runs import connected

EVENT = "grasp.bucket.changed"
ACCEPT_S = 10.0


def emit(bucket: str, *, manifests: int) -> None:
    """Send the event and wait until Prefect has taken it.

    Not by Prefect's own `emit_event`, which returns before anybody has it. Raises OrchestrationUnavailable or
    OrchestrationRefused.
    """
    event = {
        "id": str(uuid4()),
        "occurred": datetime.now(UTC).isoformat(),
        "event": EVENT,
        "resource": {"prefect.resource.id": f"grasp.bucket.{bucket}"},
        "related": [],
        "payload": {"manifests": manifests},
    }
    with connected() as client:
        client.request("POST", "/events", json=[event], timeout=ACCEPT_S).raise_for_status()
