"""What holds in the end, whatever was done meanwhile."""

import os
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

from mlflow import MlflowClient
from prefect.client.orchestration import get_client
from prefect.client.schemas import filters
from prefect.client.schemas.objects import StateType
from prefect.settings import (
    PREFECT_API_AUTH_STRING,
    PREFECT_API_SSL_CERT_FILE,
    PREFECT_API_URL,
    temporary_settings,
)

from tasks.bucket.store import Store
from tasks.contracts.journal import Decided
from tasks.errors import TransientError
from tasks.identity import signed
from tasks.journal.log import Journal
from tasks.journal.projection import is_behind
from tasks.private import PREFIX
from tasks.registry.registry import aliases
from tasks.registry.stored import ModelDigests, verify_stored
from tests.deployments.chaos.sources import Source

UNENDED = [StateType.RUNNING, StateType.PENDING, StateType.CANCELLING]
SLOT_S = 300.0  # longer nobody may hold one


def decided(store: Store, target: str) -> dict[str, list[Decided]]:
    """Read every decision, by arrival."""
    found: dict[str, list[Decided]] = {}
    for entry in Journal(store, target, by=signed("test")).entries():
        if isinstance(entry, Decided):
            found.setdefault(entry.arrival_id, []).append(entry)
    return found


def until(what: str, holds: Callable[[], bool], *, within_s: float) -> float:
    """Wait for something; gives how long it took."""
    began = time.monotonic()
    while True:
        try:
            if holds():
                return time.monotonic() - began
        except TransientError:
            pass
        assert time.monotonic() < began + within_s, f"not within {within_s:.0f} s: {what}"
        time.sleep(1)


def check_decisions(store: Store, target: str, sources: Mapping[str, Source]) -> None:
    """Each good source absorbed once in the champion's lineage, each bad one refused with its reason."""
    found, doubles = decided(store, target), Counter[str]()
    for arrival, source in sources.items():
        (decision,) = found[arrival]
        digest = source.manifest.weights.sha256
        said = (decision.decision, decision.reason_code)
        if said == ("duplicate", "same_weights"):
            doubles[digest] += 1
        elif source.needs is None or source.needs[0] == "duplicate":
            assert decision.decision == "promoted", (source.manifest.key, said)
        else:
            assert said == source.needs, (source.manifest.key, said)
    good = [s for s in sources.values() if s.needs is None or s.needs[0] == "duplicate"]
    promoted = [each for several in found.values() for each in several if each.decision == "promoted"]
    assert len(promoted) == len({source.manifest.weights.sha256 for source in good})
    assert sorted(each.index for each in promoted) == list(range(1, len(promoted) + 1))
    assert sum(doubles.values()) == len(good) - len(promoted)


def check_registry(store: Store, client: MlflowClient, target: str, scratch: Path) -> None:
    """MLflow shows what the journal says; the champion's bytes are those that were decided on."""
    state = Journal(store, target, by=signed("test")).state()
    until("aliases", lambda: not is_behind(store, target, state), within_s=120)
    versions = client.search_model_versions(f"name = '{target}'")
    live = {int(v.version) for v in versions if not {"duplicate_of", "damaged"} & v.tags.keys()}
    kept = [each for several in decided(store, target).values() for each in several]
    assert live == {each.registry_version for each in kept if each.registry_version}
    shown = {"champion": state.champion, "previous": state.previous}
    assert aliases(client, target) == {alias: version for alias, version in shown.items() if version}
    for version, point in state.versions.items():
        expected = ModelDigests(served=point.served_sha256, stem=point.stem_sha256)
        verify_stored(client, target, version=version, expected=expected, scratch=scratch)


def check_prefect() -> tuple[float, float]:
    """Nothing is RUNNING but what runs, and no slot is held: gives how long each took to be so."""
    with temporary_settings(prefect_settings()), get_client(sync_client=True) as client:
        state = filters.FlowRunFilterState(type=filters.FlowRunFilterStateType(any_=UNENDED))
        absorbs = filters.FlowFilter(name=filters.FlowFilterName(any_=["absorb"]))
        unended = until(
            "no absorb run is unended",
            lambda: (
                not client.read_flow_runs(
                    flow_filter=absorbs, flow_run_filter=filters.FlowRunFilter(state=state)
                )
            ),
            within_s=SLOT_S + 400,
        )

        def most_free() -> bool:
            """A watch that is at work holds one for some seconds; what was left is held for good."""
            return all(limit.active_slots == 0 for limit in client.read_global_concurrency_limits())

        return unended, until("no slot is held", most_free, within_s=SLOT_S)


def prefect_settings() -> dict:
    """Give what the environment says now: Prefect reads it when it is imported."""
    return {
        PREFECT_API_URL: os.environ["PREFECT_API_URL"],
        PREFECT_API_AUTH_STRING: os.environ["PREFECT_API_AUTH_STRING"],
        PREFECT_API_SSL_CERT_FILE: os.environ["SSL_CERT_FILE"],
    }


def check_files(cache: Path) -> None:
    """No temporary file is left in the cache."""
    unfinished = [path for path in cache.rglob("*") if path.name.startswith(PREFIX)]
    left = [str(path.relative_to(cache)) for path in (*unfinished, *cache.rglob("hog"))]
    assert left == [], f"temporary files are left: {left}"
