"""Look at every image of a survey once, in a stream: what cannot be decoded or is a copy goes."""

import hashlib
from collections.abc import Callable

from grasp_core.data.decoding import decode
from grasp_core.data.folder import Sample, Skipped
from grasp_core.errors import InvalidData
from tasks.contracts.base import InputSpec
from tasks.data.layouts.survey import Survey
from tasks.printable import printable

Progress = Callable[[int, int], None]  # images looked at, of how many


def sound(
    survey: Survey, spec: InputSpec, progress: Progress
) -> tuple[dict[str, list[Sample]], tuple[Skipped, ...]]:
    """Give the sound samples of every period, by its label, and all that was skipped, fit for a terminal.

    A copy of an image that came before, in whatever period, is skipped: between a source and the target's
    test it would leak. Holds one image, and a digest per image.
    """
    total, done = sum(len(period.samples) for period in survey.periods), 0
    seen: dict[bytes, str] = {}
    kept: dict[str, list[Sample]] = {}
    skipped = list(survey.skipped)
    for period in survey.periods:
        kept[period.label] = []
        for sample in period.samples:
            fault = _fault(sample, spec, seen)
            if fault is None:
                kept[period.label].append(sample)
            else:
                skipped.append(Skipped(sample.id, fault))
            done += 1
            progress(done, total)
    return kept, tuple(Skipped(each.id, printable(each.reason)) for each in skipped)


def _fault(sample: Sample, spec: InputSpec, seen: dict[bytes, str]) -> str | None:
    try:
        pixels = decode(sample.path, height=spec.height, width=spec.width, channels=spec.channels)
    except InvalidData as error:
        return str(error)
    first = seen.setdefault(hashlib.sha256(pixels.tobytes()).digest(), sample.id)
    return None if first == sample.id else f"{sample.path}: shows the same as {first}; it is skipped"
