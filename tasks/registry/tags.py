"""What a registered version says of itself in its tags: where it comes from, what was decided on it."""

from mlflow import MlflowClient

from tasks.arrivals.unit import Unit
from tasks.candidates.outcome import unit_key
from tasks.contracts.journal import Decided
from tasks.journal.wording import reason_line
from tasks.tracking.api import answering
from tasks.tracking.logged import Logged

SET_ASIDE = frozenset(
    {"duplicate_of", "damaged", "set_aside"}
)  # a version with one of these tags is not live


def candidate_tags(logged: Logged, unit: Unit) -> dict[str, str]:
    """Say what a version is, as a candidate that nothing was decided on yet.

    The rest is in the parameters of its model (tasks/tracking/logged_model.py).
    """
    outcome, source = logged.outcome, unit.source
    for_people = {  # eight, in the order of use: the version list has no metric columns
        "decision": "candidate",
        "reason": "nothing was decided yet",
        "period": source.period.label,
        "gate_accuracy": f"{outcome.result.gate.accuracy:.4f}",
        "test_accuracy": f"{outcome.result.test.accuracy:.4f}",
        "parent_version": str(unit.parent_version or ""),
        "transferred": f"{outcome.transferred_fraction:.4f}",
        "series": source.series,
    }
    for_code = {  # what versions are found again and checked by
        "lineage": unit.lineage,
        "arrival_id": unit.arrival_id,
        "unit": unit_key(unit),
        "served_sha256": outcome.served_sha256 or "",
        "stem_sha256": outcome.stem_sha256 or "",
    }
    return for_people | for_code


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
    return {"decision": decision, "reason": reason_line(code, found=found, needed=needed)[:5000]}


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
