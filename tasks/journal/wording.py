"""Entries in words: what people read of a decision, and what no entry may say."""

from typing import Any

from tasks.contracts.journal import Decided, Entry, Reason
from tasks.credentials.redact import redacted

WORDS = ("by", "reason")  # what we write; manifests and keys are kept as they are


def without_secrets(entry: Entry) -> Entry:
    """Give an entry whose words hold no credentials: an entry is for ever, and many may read it."""
    said = {name: _redacted(getattr(entry, name)) for name in WORDS if hasattr(entry, name)}
    return entry.model_copy(update=said)


def _redacted(words: Any) -> Any:
    if isinstance(words, Reason):
        return Reason(**{name: redacted(text) for name, text in words})
    return redacted(words)


def decided_words(decided: Decided) -> str:
    """Say in a few words what was decided: `promoted (first), version 1`."""
    version = f", version {decided.registry_version}" if decided.registry_version else ""
    return f"{decided.decision} ({decided.reason_code}){version}"


def decision_lines(decided: Decided) -> list[str]:
    """Say in lines of Markdown what was decided about a source, and why."""
    reason = decided.reason
    version = f" as version {decided.registry_version}" if decided.registry_version else ""
    return [
        f"**{decided.decision}**{version} ({decided.reason_code})",
        "",
        f"- {reason.object}",
        f"- found: {reason.found}",
        f"- needed: {reason.needed}",
        f"- next: {reason.next}",
    ]


def reason_line(code: str, *, found: str, needed: str) -> str:
    """Say in one line why a decision fell; the reason itself comes first."""
    return f"{code.replace('_', ' ')}: {found}; needed {needed}"


def percent(share: float | None) -> str:
    """Write a share as a percentage; a dash where there is none."""
    return "-" if share is None else f"{share:.1%}"
