"""What a registered version says of itself in its tags: where it comes from, what was decided on it."""

from mlflow import MlflowClient

from tasks.arrivals.unit import Unit
from tasks.candidates.outcome import unit_key
from tasks.contracts.journal import Decided
from tasks.tracking.api import answering
from tasks.tracking.logged import Logged

SET_ASIDE = frozenset(
    {"duplicate_of", "damaged", "set_aside"}
)  # a version with one of these tags is not live


def candidate_tags(logged: Logged, unit: Unit) -> dict[str, str]:
    """Say where a version comes from, as a candidate that nothing was decided on yet."""
    outcome, source = logged.outcome, unit.source
    # People read the first ones in the version list, which has no metric columns.
    tags = {
        "decision": "candidate",
        "gate_accuracy": f"{outcome.result.gate.accuracy:.4f}",
        "test_accuracy": f"{outcome.result.test.accuracy:.4f}",
        "series": source.series,
        "period": source.period.label,
        "rev": str(source.rev),
        "choice": outcome.choice,
        "transferred": f"{outcome.transferred_fraction:.4f}",
        "lineage": unit.lineage,
        "index": str(unit.index),
        "parent_version": str(unit.parent_version or ""),
        "unit": unit_key(unit),
        "arrival_id": unit.arrival_id,
        "source_digest": source.weights_sha256[:12],
        "source_sha256": source.weights_sha256,
        "config_digest": unit.digests.config,
        "data_digest": unit.digests.data,
        "code_version": unit.digests.code,
        "served_sha256": outcome.served_sha256 or "",
        "stem_sha256": outcome.stem_sha256 or "",
    }
    return tags | ({"alpha": f"{outcome.alpha:g}"} if outcome.alpha is not None else {})


def tag_decision(client: MlflowClient, target: str, *, version: int, decided: Decided) -> None:
    """Write a committed decision on the version that it is about."""
    reason = decided.reason
    tags = decision_tags(decided.decision, decided.reason_code, found=reason.found, needed=reason.needed)
    with answering(f"version {version} of {target}"):
        found = client.get_model_version(target, str(version))
        for key, value in tags.items():
            if found.tags.get(key) != value:
                client.set_model_version_tag(target, str(version), key, value)


def decision_tags(decision: str, code: str, *, found: str, needed: str) -> dict[str, str]:
    """Say a decision in a version's tags."""
    return {"decision": decision, "reason_code": code, "reason": f"found {found}; needed {needed}"}


def tag_duplicate(client: MlflowClient, target: str, *, version: int, of: int) -> None:
    """Set a version aside for good, because another one holds the place in the journal."""
    with answering(f"version {version} of {target}"):
        client.set_model_version_tag(target, str(version), "duplicate_of", str(of))
        client.set_model_version_tag(target, str(version), "decision", "duplicate")


def tag_set_aside(client: MlflowClient, target: str, *, version: int, why: str) -> None:
    """Set a version aside for good, because its arrival was decided without one."""
    with answering(f"version {version} of {target}"):
        client.set_model_version_tag(target, str(version), "set_aside", why)
        client.set_model_version_tag(target, str(version), "decision", "set aside")


def tag_damaged(client: MlflowClient, target: str, *, version: int, reason: str) -> None:
    """Set a version aside for good, because its stored bytes are not what was logged."""
    with answering(f"version {version} of {target}"):
        client.set_model_version_tag(target, str(version), "damaged", reason)
