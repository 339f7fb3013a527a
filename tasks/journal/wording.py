"""Decisions in words, for the pages that people read."""

from tasks.contracts.journal import Decided


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
