"""The files on a run that people look at: transfer by layer, confusion on test, the course of training."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tasks.candidates.candidate import Candidate
from tasks.contracts.target import Target
from tasks.tracking.figures import alignment_figure, confusion_figure


def write_evidence(directory: Path, candidate: Candidate, *, target: Target) -> None:
    """Write alignment.json, confusion.json, training.json and the pictures of the first two."""
    directory.mkdir()
    absorbed = candidate.absorbed
    threshold = target.absorb.threshold if absorbed.mode == "reference" else None
    if absorbed.scores:
        scores = dict(absorbed.scores)
        kind = "cosine" if absorbed.mode == "reference" else "share of the way"
        _write(directory / "alignment.json", {"mode": absorbed.mode, "kind": kind, "scores": scores})
        alignment_figure(scores, directory / "alignment.png", threshold=threshold)
    ended_with = candidate.after_fine_tune or candidate.before or candidate.after_transfer
    confusion = ended_with.test.confusion
    _write(
        directory / "confusion.json",
        {"split": "test", "rows": "true", "columns": "predicted", "classes": target.classes}
        | {"counts": confusion},
    )
    confusion_figure(confusion, directory / "confusion.png", classes=target.classes)
    training = {
        "epochs": [asdict(epoch) for epoch in absorbed.epochs],
        "kept": absorbed.kept,
        "gradient_passes": absorbed.gradient_passes,
        "stem_loss": absorbed.stem_loss,
        "source_loss": absorbed.source_loss,
        "search": [asdict(trial) for trial in absorbed.search],
        "statistics": absorbed.statistics,
    }
    _write(directory / "training.json", training)


def _write(path: Path, document: dict[str, Any]) -> None:
    path.write_text(json.dumps(document, indent=1))
