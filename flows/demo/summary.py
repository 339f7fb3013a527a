"""The demo's end: a table, summary.json with the same content, and whether everything is as it should be."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from flows.demo import story
from flows.demo.champion import Answer
from flows.demo.rows import STAGES, Row
from flows.demo.servers.addresses import Addresses
from tasks.orchestration.at_work import Orchestrator
from tasks.tracking.pages import model_page

_ACCURACY = "test accuracy %:\nbefore, transfer,\nfine-tune"


@dataclass(frozen=True, kw_only=True, slots=True)
class Summary:
    """How the demo ended: every arrival that was published, and what the champion's alias gives."""

    rows: Sequence[Row]
    champion: Answer
    addresses: Addresses

    def problems(self) -> list[str]:
        """Say what is not as it should be; nothing when the demo is a success."""
        undecided = [row.source.label for row in self.rows if row.decided is None]
        broken = next((row for row in self.rows if row.source.label == str(story.BROKEN.year)), None)
        first = self._first_accuracy()
        wrong = {
            f"no decision on {', '.join(undecided)}": bool(undecided),
            "the broken source is not quarantined": broken is None or broken.status != "quarantined",
            f"the champion's test accuracy {_percent(self.champion.test_accuracy)} is not above the "
            f"first target's {_percent(first)}": first is None or self.champion.test_accuracy <= first,
        }
        return [problem for problem, is_so in wrong.items() if is_so]

    def show(self, console: Console) -> None:
        """Print the table, the champion and the addresses."""
        console.print(self._table(), "")
        for row in self.rows:
            if row.status != "promoted":
                console.print(f"{row.source.label} {row.status}: {row.reason}", soft_wrap=True)
        console.print()
        console.print(
            f"champion: version {self.champion.registry_version} ({self._origin()}), test accuracy "
            f"{_percent(self.champion.test_accuracy)} (first target {_percent(self._first_accuracy())}), "
            f"loaded from models:/{story.TARGET}@champion"
        )
        console.print(f"MLflow   {model_page(self.addresses.mlflow, story.TARGET)}", soft_wrap=True)
        absorbs = Orchestrator(f"{self.addresses.prefect}/api").absorb_page()
        console.print(f"Prefect  {absorbs or self.addresses.prefect}", soft_wrap=True)

    def write(self, path: Path) -> None:
        """Write summary.json."""
        document = {
            "target": story.TARGET,
            "champion": {
                "registry_version": self.champion.registry_version,
                "period": self._origin(),
                "test_accuracy": self.champion.test_accuracy,
                "first_test_accuracy": self._first_accuracy(),
            },
            "arrivals": [self._arrival(row) for row in self.rows],
            "addresses": {"mlflow": self.addresses.mlflow, "prefect": self.addresses.prefect},
            "problems": self.problems(),
        }
        path.write_text(json.dumps(document, indent=1) + "\n")

    def _arrival(self, row: Row) -> dict[str, Any]:
        decided = row.decided
        return {
            "series": row.source.series,
            "period": row.source.label,
            "rev": row.source.rev,
            "decision": decided.decision if decided else None,
            "reason": row.reason,
            "registry_version": decided.registry_version if decided else None,
            "transferred_fraction": row.figure("transferred_fraction"),
            "choice": self._choice(row),
            "alpha": row.figure("alpha"),
            "accuracy": row.accuracy,
        }

    def _table(self) -> Table:
        table = Table(box=None, padding=(0, 2, 0, 0), title=f"target {story.TARGET}")
        for name in ("period", "decision"):
            table.add_column(name, no_wrap=True)
        table.add_column("reason", overflow="fold", min_width=8)
        for name in ("trans-\nferred", "choice,\nalpha", _ACCURACY, "ver-\nsion"):
            table.add_column(name, justify="right", no_wrap=True)
        for row in self.rows:
            table.add_row(*self._cells(row))
        return table

    def _cells(self, row: Row) -> list[str]:
        alpha = "" if row.figure("alpha") is None else f" {row.figure('alpha'):g}"
        return [
            row.source.label,
            row.status,
            row.decided.reason_code if row.decided else "",
            _percent(row.figure("transferred_fraction")),
            f"{self._choice(row) or '-'}{alpha}",
            "  ".join(f"{_percent(row.accuracy[stage]).rstrip('%'):>4}" for stage in STAGES),
            str(row.decided.registry_version or "-") if row.decided else "-",
        ]

    def _choice(self, row: Row) -> str | None:
        run = row.decided.mlflow_run_id if row.decided else None
        return self.champion.choices.get(run) if run else None

    def _first_accuracy(self) -> float | None:
        first = next((row for row in self.rows if row.decided and row.decided.reason_code == "first"), None)
        return first.accuracy["after_fine_tune"] if first else None

    def _origin(self) -> str | None:
        """Give the period whose absorb made the champion."""
        made = (row for row in self.rows if row.decided)
        version = self.champion.registry_version
        return next(
            (r.source.label for r in made if r.decided and r.decided.registry_version == version), None
        )


def _percent(fraction: float | None) -> str:
    return "-" if fraction is None else f"{fraction:.1%}"
