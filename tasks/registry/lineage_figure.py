"""The picture of a lineage: accuracy over sources, with what was decided and done marked on it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tasks.registry.story import Event

MARKS = {  # how a decision is drawn
    "promoted": ("o", "tab:green"),
    "rejected": ("X", "tab:red"),
    "quarantined": ("v", "tab:orange"),
    "parked": ("s", "tab:purple"),
    "duplicate": ("D", "tab:gray"),
}
BY_HAND = {"rolled back": "--", "promoted by hand": "-.", "lineage took over": ":", "withdrawn": ":"}
WIDTH = 40  # sources that can be read side by side


def lineage_figure(target: str, lineage: str, events: Sequence[Event], path: Path) -> list[str]:
    """Draw the newest events of a lineage, oldest first; give what was marked, in words.

    Sources stand side by side in the order they were decided. One without figures, such as a quarantined
    one, is marked at the foot; what people did by hand is a line between two sources.
    """
    from matplotlib.figure import Figure  # half a second, which nobody but the first figure waits for

    figure = Figure(figsize=(9, 4.5), layout="constrained")
    axes = figure.subplots()
    shown = [event for event in events if event.lineage in (lineage, None)][-WIDTH:]
    columns = _columns(shown)
    _draw_curves(axes, shown, columns)
    marked = [_mark(axes, event, column) for event, column in zip(shown, columns, strict=True)]
    sources = [(column, event) for event, column in zip(shown, columns, strict=True) if event.decided]
    axes.set_xticks(
        [column for column, _ in sources], [event.about for _, event in sources], rotation=60, ha="right"
    )
    axes.tick_params(axis="x", labelsize=8)
    axes.set_title(f"{target}, lineage {lineage}: what each source came to")
    axes.set_xlabel("source, in the order of decisions")
    axes.set_ylabel("accuracy (share of images)")
    axes.margins(y=0.15)
    axes.grid(axis="y", alpha=0.3)
    _legend(axes)
    figure.savefig(path, dpi=110)
    return marked


def _columns(events: Sequence[Event]) -> list[float]:
    """Give each decision a place of its own, and what was done by hand the middle between two."""
    columns, place = [], 0
    for event in events:
        place += event.decided is not None
        columns.append(float(place) if event.decided else place + 0.5)
    return columns


def _draw_curves(axes: Any, events: Sequence[Event], columns: Sequence[float]) -> None:
    for name, style in (("gate_accuracy", "-"), ("test_accuracy", ":")):
        points = [
            (column, event.decided.figures[name])
            for event, column in zip(events, columns, strict=True)
            if event.decided and name in event.decided.figures
        ]
        label = name.replace("_", " ")
        axes.plot(
            [x for x, _ in points], [y for _, y in points], style, color="0.5", linewidth=1, label=label
        )


def _mark(axes: Any, event: Event, column: float) -> str:
    if event.decided is None:
        style = BY_HAND.get(event.word, ":")
        axes.axvline(column, linestyle=style, color="tab:blue", linewidth=1.2, label=event.word)
        axes.annotate(
            event.about, (column, 1), xycoords=("data", "axes fraction"), fontsize=7, va="top", rotation=90
        )
        return f"{event.word} {event.about}"
    marker, colour = MARKS[event.word]
    height = event.decided.figures.get("gate_accuracy")
    transform = axes.transData if height is not None else axes.get_xaxis_transform()
    axes.plot(
        [column],
        [0.03 if height is None else height],
        marker,
        color=colour,
        markersize=8,
        label=event.word,
        transform=transform,
        clip_on=False,
    )
    return f"{event.about} {event.word}"


def _legend(axes: Any) -> None:
    """Name each kind of mark once."""
    handles, labels = axes.get_legend_handles_labels()
    once = dict(zip(labels, handles, strict=True))
    axes.legend(once.values(), once.keys(), fontsize=8, loc="best")
