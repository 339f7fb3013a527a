"""Pictures for the MLflow UI, as PNG files."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

MAX_LABELS = 40  # more names than this cannot be read


def alignment_figure(scores: Mapping[str, float], path: Path, *, threshold: float | None) -> None:
    """Draw how far each tensor went, first on top; threshold: draw cosines, and the line that transfers."""
    names, values = list(scores), list(scores.values())
    shown = len(names) <= MAX_LABELS
    from matplotlib.figure import Figure  # half a second: the first figure waits for it, no training

    figure = Figure(figsize=(8, 2 + (0.18 * len(names) if shown else 6)), layout="constrained")
    axes = figure.subplots()
    rows = np.arange(len(names))
    axes.barh(rows, values, height=0.8 if shown else 1.0)
    axes.invert_yaxis()
    if threshold is None:
        axes.set_xlim(0, 1)
        axes.set_xlabel("share of the way from the better of stem and source to the other")
    else:
        axes.set_xlim(-1, 1)
        axes.axvline(threshold, color="black", linestyle="--", linewidth=1)
        axes.set_xlabel(f"cosine of gradients; dashed: transferred above {threshold:g}")
    if shown:
        axes.set_yticks(rows, names, fontsize=7)
    else:
        axes.set_ylabel("parameter tensor, from input to output")
    figure.savefig(path, dpi=110)


def confusion_figure(confusion: Sequence[Sequence[int]], path: Path, *, classes: Sequence[str]) -> None:
    """Draw a confusion matrix: one row per true class, one column per predicted class."""
    counts = np.asarray(confusion)
    side = min(3 + 0.35 * len(classes), 14)
    from matplotlib.figure import Figure

    figure = Figure(figsize=(side, side), layout="constrained")
    axes = figure.subplots()
    axes.imshow(counts / np.maximum(counts.sum(1, keepdims=True), 1), cmap="Blues", vmin=0, vmax=1)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    if len(classes) <= MAX_LABELS:
        axes.set_xticks(range(len(classes)), classes, rotation=90, fontsize=8)
        axes.set_yticks(range(len(classes)), classes, fontsize=8)
    if len(classes) <= 20:
        _write_counts(axes, counts)
    figure.savefig(path, dpi=110)


def _write_counts(axes: object, counts: np.ndarray) -> None:
    for row, column in np.argwhere(counts):
        count = counts[row, column]
        light = count > counts[row].sum() / 2
        axes.text(  # type: ignore[attr-defined]
            column, row, str(count), ha="center", va="center", fontsize=7, color="white" if light else "black"
        )
