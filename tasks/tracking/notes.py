"""The note on an MLflow run: what a person wants to know, in Markdown."""

from tasks.arrivals.unit import Unit
from tasks.candidates.outcome import Outcome, stages
from tasks.contracts.journal import Decided
from tasks.journal.wording import decision_lines, percent
from tasks.tracking.model_card import metrics_table, statistics_line

_CHOICES = {
    "first": "The source became the first target.",
    "absorbed": "The source was absorbed.",
    "replaced": "The source alone does better than what was there, and replaced it.",
    "unchanged": "No step toward the source helped; the model stays as it was.",
}


def note(decided: Decided, outcome: Outcome | None) -> str:
    """Say what was decided about a source, why, and what the absorb did; no outcome: it got no figures."""
    lines = decision_lines(decided)
    if outcome is not None:
        lines += ["", *work(outcome)]
    return "\n".join(lines)


def undecided(outcome: Outcome) -> str:
    """Say what an absorb did, before the gate has spoken."""
    return "\n".join(["**not decided yet**", "", *work(outcome)])


def sentence(unit: Unit, outcome: Outcome, *, decision: str) -> str:
    """Say in one sentence what a version is: its source, what that was absorbed into, what came of it."""
    into = f"absorbed into version {unit.parent_version}" if unit.parent_version else "as the first target"
    scores = outcome.result
    return (
        f"{unit.source_name}, {into}: {decision} with gate accuracy {percent(scores.gate.accuracy)} and test "
        f"accuracy {percent(scores.test.accuracy)}, {percent(outcome.transferred_fraction)} of the "
        "parameters taken from the source."
    )


def work(outcome: Outcome) -> list[str]:
    """Say in lines of Markdown what an absorb did."""
    share = f"{outcome.scalars_transferred:,} of {outcome.scalars_total:,} parameters"
    alpha = f" with alpha {outcome.alpha:g}" if outcome.alpha is not None else ""
    return [
        f"{_CHOICES.get(outcome.choice, outcome.choice)} Transferred{alpha}: {share} "
        f"({outcome.transferred_fraction:.1%}), {outcome.mode} mode.",
        *(f"Batch norm: {line}" for line in statistics_line(outcome)),
        "",
        *metrics_table(stages(outcome)),
        "",
        f"Took {sum(outcome.seconds.values()):.1f} s.",
    ]
