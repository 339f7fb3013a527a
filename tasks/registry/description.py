"""What a registered model says of itself: its champion, how that does, what was decided, where to look."""

from collections.abc import Sequence

from mlflow import MlflowClient

from tasks.contracts.journal import Decided
from tasks.contracts.state import State
from tasks.journal.history import source_name
from tasks.journal.wording import percent
from tasks.tracking.api import answering
from tasks.tracking.experiments import experiment_of
from tasks.tracking.pages import runs_page

ROWS = 10


def describe_model(
    client: MlflowClient, target: str, state: State, *, champion: Decided | None, recent: Sequence[Decided]
) -> None:
    """Write a registered model's description. recent: its newest decisions, newest first."""
    with answering(f"registered model {target}"):
        view = runs_page(client.tracking_uri, experiment_of(client, target))
        client.update_registered_model(target, description(target, state, champion, recent, view=view))


def description(
    target: str, state: State, champion: Decided | None, recent: Sequence[Decided], *, view: str
) -> str:
    """Say in Markdown which version serves, how it does, and what was decided lately."""
    return "\n".join(
        [
            _champion(state, champion),
            "",
            f"[Every decision, with accuracies before and after]({view}), "
            f"newest first. By hand: `grasp status {target}`, `grasp explain ARRIVAL`, "
            f"`grasp rollback {target} --reason …`; the runbook is docs/operations/index.md.",
            "",
            "| source | decision | version | gate before | gate after | test after | reason |",
            "|---|---|---|---|---|---|---|",
            *(_row(decided) for decided in recent[:ROWS]),
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


def _row(decided: Decided) -> str:
    figures = decided.figures
    cells = (
        source_name(decided)[:80],
        decided.decision,
        str(decided.registry_version or ""),
        percent(figures.get("gate_accuracy_before")),
        percent(figures.get("gate_accuracy")),
        percent(figures.get("test_accuracy")),
        decided.reason_code.replace("_", " "),
    )
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"
