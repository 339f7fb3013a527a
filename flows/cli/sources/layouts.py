"""`grasp dataset prepare --layout`: a data set as its authors lay it out, by time."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

from flows.cli.app import tell
from tasks.contracts.base import InputSpec

if TYPE_CHECKING:  # it brings numpy, which the other commands do without
    from tasks.data.layouts.prepare import Made
    from tasks.data.layouts.survey import Survey

Layout = Literal["folder", "yearbook", "clear10", "clear100"]
Labels = Literal["decade", "gender", "whole-decade"]
TOLD_EVERY = 2000  # images


def prepare_by_time(
    source: Path,
    to: Path,
    *,
    layout: Layout,
    labels: Labels,
    target_period: str,
    name: str,
    spec: InputSpec,
) -> "Made":
    """Prepare one target and its sources; tell how far it is, and what to do with each."""
    from tasks.data.layouts.prepare import prepare_layout

    survey = _survey(source, layout, labels)
    made = prepare_layout(
        survey, to, name=name, spec=spec, target=target_period or None, progress=_tell_progress
    )
    for remark in made.remarks:
        tell(f"note: {remark}")
    for period in survey.periods:
        if period.label in made.sources:
            counts = ", ".join(f"{split} {count}" for split, count in made.sources[period.label].items())
            tell(f"{to}/sources/{period.label}: {counts}")
            tell(
                f"next: grasp train-source --images {to}/sources/{period.label} --period {period.label} "
                f"--start {period.start} --end {period.end} --series {name} --architecture ..."
            )
    return made


def _survey(source: Path, layout: Layout, labels: Labels) -> "Survey":
    from tasks.data.layouts import clear, yearbook

    if layout == "yearbook":
        return yearbook.survey(source, labels=labels)
    if labels != "decade":
        raise typer.BadParameter(f"--labels {labels}: is for --layout yearbook")
    return clear.survey(source, only=clear.THIRTY if layout == "clear100" else None)


def _tell_progress(done: int, total: int) -> None:
    if done % TOLD_EVERY == 0 or done == total:
        tell(f"looked at {done} of {total} images")
