"""The model card that lies beside a version's weights."""

from tasks.arrivals.unit import Unit
from tasks.candidates.outcome import Outcome, Scores
from tasks.contracts.target import Target
from tasks.journal.ancestry import Ancestor


def model_card(target: Target, unit: Unit, *, outcome: Outcome, ancestors: tuple[Ancestor, ...]) -> str:
    """Write in Markdown what a version is, what it was made from and how it does."""
    size = target.input
    return "\n".join(
        [
            f"# {unit.target}, index {unit.index} of lineage {unit.lineage}",
            "",
            f"A {target.architecture.id} that classifies images into {len(target.classes)} classes, kept "
            f"current by absorbing published models with GRASP ({outcome.mode} mode).",
            "",
            f"- Input: uint8 images, {size.height} x {size.width} x {size.channels}.",
            f"- Output: probabilities of {_listed(target.classes)}.",
            f"- Data: {target.dataset} (digest {unit.digests.data}).",
            f"- Settings digest {unit.digests.config}, code {unit.digests.code}, seed {unit.seed}.",
            f"- Parent: {f'version {unit.parent_version}' if unit.parent_version else 'none'}.",
            f"- Served weights SHA-256: {outcome.served_sha256}.",
            *(f"- Batch norm: {line}" for line in statistics_line(outcome)),
            "",
            "## Metrics",
            "",
            *metrics_table({"this version": outcome.result}),
            "",
            "The gate split decides promotion, the test split decides nothing.",
            "",
            "## Sources",
            "",
            "| index | series | period | rev | classes | started from | what became of it | licence "
            "| weights SHA-256 |",
            "|---|---|---|---|---|---|---|---|---|",
            *(_row(ancestor) for ancestor in ancestors),
            "",
            "Licences are what the sources' files state (`grasp publish --license`); for others ask the "
            "publisher. Classes: how many a source knew, from the first on; all: those that the target had "
            "then. What its training started from is what its manifest states.",
            "",
        ]
    )


def statistics_line(outcome: Outcome) -> list[str]:
    """Say which batch-norm statistics the newest source got, and why; nothing where there are none."""
    if outcome.statistics is None:
        return []
    if outcome.statistics == 1:
        return ["statistics measured on the target's labels, which fit labels that did not set them."]
    kept = "half of the source's and half of the labels'" if outcome.statistics else "the source's"
    return [f"{kept} statistics: those of the labels alone did harm to labels that did not set them."]


def metrics_table(models: dict[str, Scores]) -> list[str]:
    """Lay out accuracies and losses on gate and test, one row per model."""
    head = ["| | gate accuracy | test accuracy | gate loss | test loss |", "|---|---|---|---|---|"]
    return head + [
        f"| {name} | {s.gate.accuracy:.4f} | {s.test.accuracy:.4f} | {s.gate.loss:.4f} | {s.test.loss:.4f} |"
        for name, s in models.items()
    ]


def _row(ancestor: Ancestor) -> str:
    source = ancestor.source
    became = ancestor.choice + (f", alpha {ancestor.alpha:g}" if ancestor.alpha else "")
    started = ancestor.parent.words if ancestor.parent else "not stated"
    return (
        f"| {ancestor.index} | {source.series} | {source.period.label} | {source.rev} "
        f"| {ancestor.classes or 'all'} | {started} | {became} "
        f"| {_cell(ancestor.license or 'not stated')} | `{source.weights_sha256[:12]}` |"
    )


def _cell(text: str) -> str:
    """Write a stranger's words so that they stay within their cell and are no markup."""
    return "".join(f"\\{c}" if c in "|<>[]*_`\\#&" else c for c in text)


def _listed(classes: tuple[str, ...]) -> str:
    return ", ".join(classes[:20]) + (f" and {len(classes) - 20} more" if len(classes) > 20 else "")
