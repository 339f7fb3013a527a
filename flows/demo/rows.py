"""The journal as rows, one per arrival: what the demo shows while it runs, and at its end."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from tasks.contracts.journal import Accepted, Attempted, Decided, Entry
from tasks.contracts.keys import ManifestKey, parse_manifest_key

_DIGEST = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{52}\b")  # a person compares the first characters
STAGES = ("before", "after_transfer", "after_fine_tune")


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """An arrival. status: ready, absorbing, or its decision. Accuracies are of the test split, in [0, 1]."""

    source: ManifestKey
    status: str = "ready"
    decided: Decided | None = None

    @property
    def accuracy(self) -> dict[str, float | None]:
        """Give the accuracy at each stage; None where there was no such stage."""
        return {stage: self.figure(f"test_accuracy_{stage}") for stage in STAGES}

    @property
    def reason(self) -> str | None:
        """Say why it was decided so, and what would have been needed unless it was promoted."""
        if self.decided is None:
            return None
        why, needed = self.decided.reason, f"; needed {self.decided.reason.needed}"
        said = f"{self.decided.reason_code}: {why.found}{'' if self.status == 'promoted' else needed}"
        return _DIGEST.sub(r"\1…", said)

    def figure(self, name: str) -> float | None:
        """Give a figure of the decision; None before it, and where there is no such figure."""
        return self.decided.figures.get(name) if self.decided else None


def follow(rows: Mapping[str, Row], entries: Iterable[Entry]) -> dict[str, Row]:
    """Carry rows, by arrival id in the order of arrival, on to what later journal entries say."""
    now = dict(rows)
    for entry in entries:
        if isinstance(entry, Accepted):
            source = parse_manifest_key(entry.key)
            if source:
                now[entry.arrival_id] = Row(source=source)
        elif isinstance(entry, Attempted) and entry.arrival_id in now:
            now[entry.arrival_id] = replace(now[entry.arrival_id], status="absorbing")
        elif isinstance(entry, Decided) and entry.arrival_id in now:
            now[entry.arrival_id] = replace(now[entry.arrival_id], status=entry.decision, decided=entry)
    return now
