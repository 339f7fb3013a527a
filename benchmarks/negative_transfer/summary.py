"""Read and summarise what was measured of harmful sources."""

import json
from collections.abc import Sequence
from pathlib import Path

from benchmarks.negative_transfer.outcomes import Outcome
from tasks.studies.tables import markdown


def read(path: Path) -> list[Outcome]:
    """Read what was measured; nothing when there is no file yet."""
    return [Outcome(**json.loads(line)) for line in path.read_text().splitlines()] if path.exists() else []


def table(found: Sequence[Outcome]) -> str:
    """Summarise each kind of source: what was chosen, promoted, and how far the champion fell."""
    rows = []
    for mode, source in dict.fromkeys((outcome.mode, outcome.source) for outcome in found):
        here = [outcome for outcome in found if (outcome.mode, outcome.source) == (mode, source)]
        rows.append(
            [
                f"{mode}, {source}",
                str(len(here)),
                str(sum(outcome.choice == "unchanged" for outcome in here)),
                str(sum(outcome.promoted for outcome in here)),
                f"{min(outcome.candidate_change for outcome in here):+.2f}",
                f"{min(outcome.gate_change for outcome in here):+.2f}",
                f"{sum(outcome.test_change for outcome in here) / len(here):+.2f}",
            ]
        )
    header = [
        "mode, source",
        "seeds",
        "stem unchanged",
        "promoted",
        "worst candidate",
        "worst champion",
        "mean on test",
    ]
    return markdown(header, rows)
