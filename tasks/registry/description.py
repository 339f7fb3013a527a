"""What a registered model says of itself: champion, its accuracy, what happened lately, where to look."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from mlflow import MlflowClient

from tasks.contracts.journal import Decided
from tasks.contracts.state import State
from tasks.journal.history import source_name
from tasks.journal.wording import percent
from tasks.registry.story import Event
from tasks.tracking.api import answering
from tasks.tracking.experiments import experiment_of
from tasks.tracking.pages import lineages_page, picture_page, runs_page
from tasks.tracking.runs import log_lineage_picture

ROWS = 10


class Links(NamedTuple):
    """Pages to look at: rows of all decisions, charts of all lineages, the lineage's picture, the runbook."""

    decisions: str
    charts: str
    picture: str
    runbook: str | None


def describe_model(
    client: MlflowClient,
    target: str,
    state: State,
    *,
    champion: Decided | None,
    events: Sequence[Event],
    picture: Path,
    runbook: str | None,
) -> None:
    """Write a registered model's description, and put the picture of its lineage on the lineage's run.

    events: the newest, oldest first. picture: a file. runbook: an address.
    """
    with answering(f"registered model {target}"):
        uri, experiment_id = client.tracking_uri, experiment_of(client, target)
        run_id = log_lineage_picture(client, target, lineage=state.lineage, picture=picture)
        links = Links(
            decisions=runs_page(uri, experiment_id),
            charts=lineages_page(uri, experiment_id),
            picture=picture_page(uri, experiment_id, run_id),
            runbook=runbook,
        )
        client.update_registered_model(target, description(target, state, champion, events, links=links))


def description(
    target: str, state: State, champion: Decided | None, events: Sequence[Event], *, links: Links
) -> str:
    """Say in Markdown which version serves, how it does, and what happened lately."""
    runbook = f"[runbook]({links.runbook})" if links.runbook else "all commands: `grasp --help`"
    return "\n".join(
        [
            _champion(state, champion),
            "",
            f"[Every decision, with accuracies before and after]({links.decisions}), newest first; "
            f"[accuracy over sources]({links.charts}) of all lineages; "
            f"[the same with every decision marked]({links.picture}). "
            f"By hand: `grasp status {target}`, `grasp explain ARRIVAL`, "
            f"`grasp rollback {target} --reason …`; {runbook}.",
            "",
            "| what | happened | version | gate before | gate after | test after | reason |",
            "|---|---|---|---|---|---|---|",
            *(_row(event, state.lineage) for event in reversed(events[-ROWS:])),
        ]
    )


def _champion(state: State, champion: Decided | None) -> str:
    if state.champion is None or champion is None:
        return "No champion yet."
    point = state.versions.get(state.champion)
    gate = percent(point.gate_accuracy if point else None)
    test = percent(champion.figures.get("test_accuracy"))
    before = f"; before it: version {state.previous}" if state.previous else ""
    return (
        f"**Champion: version {state.champion}** ({source_name(champion)}, lineage {state.lineage}), gate "
        f"accuracy {gate}, test accuracy {test} when it was absorbed{before}. The alias `champion` is what "
        "to serve."
    )


def _row(event: Event, current: str) -> str:
    figures = event.decided.figures if event.decided else {}
    beside = f" in {event.lineage}" if event.lineage not in (current, None) else ""
    cells = (
        event.about[:80],
        f"{event.word}{beside}",
        str(event.version or ""),
        percent(figures.get("gate_accuracy_before")),
        percent(figures.get("gate_accuracy")),
        percent(figures.get("test_accuracy")),
        event.reason[:120],
    )
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"
