"""Make one target data set and one training folder per source period from a data set laid out by time."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from grasp_core.data.folder import Sample, Skipped, stratified, with_gate
from grasp_core.errors import InvalidData
from tasks.contracts.base import InputSpec
from tasks.data.datasets import SPLITS
from tasks.data.folder import DOCUMENT, Prepared, labels_of, write_images
from tasks.data.layouts.sound import Progress, sound
from tasks.data.layouts.survey import Period, Survey, listed
from tasks.errors import InvalidDocument, OperationRefused
from tasks.problems import first_problem

MADE = "layout.json"  # written last; where it is, target and sources are of this making
VAL = TEST = 0.1  # of each class of a period; the target's gate is half of its val

Splits = Mapping[str, list[Sample]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """What was written: samples per split of the target and of each source period, and what to know."""

    target: Period
    splits: Mapping[str, int]
    sources: Mapping[str, Mapping[str, int]]
    skipped: tuple[Skipped, ...]
    remarks: tuple[str, ...]


def prepare_layout(
    survey: Survey, out: Path, *, name: str, spec: InputSpec, target: str | None, progress: Progress
) -> Made:
    """Write out/target, as `grasp dataset publish` takes it, and out/sources/<period>/<split>/<class>.

    target: the period's label; the last one by default. The source folders hold links to the images, for
    `grasp train-source --images`. Every period is split 80/10/10 class by class, by a stable hash of the
    paths; the target's gate is half of its val. Raises InvalidData for an unknown period or fewer than two,
    InvalidDocument when a split of a period stays empty, OperationRefused when out holds other things.
    """
    chosen = chosen_period(survey, target)
    try:
        document = Prepared(name=name, classes=survey.classes, input=spec)
    except ValidationError as error:
        raise InvalidDocument(f"{name}: {first_problem(error)}; nothing was prepared") from error
    _make_room(out)
    kept, skipped = sound(survey, spec, progress)
    splits = {label: stratified(samples, val=VAL, test=TEST) for label, samples in kept.items()}
    splits[chosen.label] = with_gate(splits[chosen.label])
    for label, parts in splits.items():
        check_period(label, parts, len(skipped))
    _write_target(out / "target", document, splits[chosen.label])
    sources = [period for period in survey.periods if period is not chosen]
    for period in sources:
        _link(out / "sources" / period.label, survey.classes, splits[period.label])
    counts = {label: {split: len(part) for split, part in parts.items()} for label, parts in splits.items()}
    _write_account(out, survey, chosen, counts)
    return Made(
        target=chosen,
        splits={split: counts[chosen.label][split] for split in SPLITS},
        sources={period.label: counts[period.label] for period in sources},
        skipped=skipped,
        remarks=(*survey.remarks, *_lacking(survey.classes, splits)),
    )


def chosen_period(survey: Survey, target: str | None) -> Period:
    """Give the period of the target: the one named, else the last. Raises InvalidData where there is none."""
    labels = [period.label for period in survey.periods]
    if len(labels) < 2:
        raise InvalidData(f"only {listed(labels)} has images, needs two periods or more; nothing was done")
    if target is not None and target not in labels:
        raise InvalidData(f"period {target}: has no images, needs one of {listed(labels)}; nothing was done")
    return survey.periods[-1 if target is None else labels.index(target)]


def _make_room(out: Path) -> None:
    """Remove what an earlier preparation wrote, and nothing else."""
    there = [out / name for name in ("target", "sources") if (out / name).exists()]
    if there and not (out / MADE).exists():
        raise OperationRefused(
            f"{there[0]}: is there, but no {MADE} that says it was prepared; name another folder; "
            "nothing was done"
        )
    for folder in there:
        shutil.rmtree(folder)
    out.mkdir(parents=True, exist_ok=True)
    (out / MADE).write_text("{}\n")  # so that a preparation that breaks off can be made anew


def check_period(label: str, parts: Splits, skipped: int) -> None:
    """Raise InvalidDocument for a period with an empty split, or without two classes."""
    empty = [split for split, samples in parts.items() if not samples]
    classes = {sample.label for samples in parts.values() for sample in samples}
    if empty or len(classes) < 2:
        raise InvalidDocument(
            f"period {label}: {len(classes)} classes, no image for {listed(empty) or 'none of the splits'}; "
            f"needs two classes and images in every split ({skipped} files skipped); nothing is ready"
        )


def _write_target(folder: Path, document: Prepared, splits: Splits) -> None:
    folder.mkdir()
    for split in SPLITS:
        write_images(folder / f"{split}-images.npy", splits[split], document.input)
        np.save(folder / f"{split}-labels.npy", labels_of(splits[split]))
        (folder / f"{split}-ids.json").write_text(json.dumps([sample.id for sample in splits[split]]))
    (folder / DOCUMENT).write_text(document.model_dump_json(indent=1) + "\n")


def _link(folder: Path, classes: tuple[str, ...], splits: Splits) -> None:
    """Link every image under its class, under a name that no other has; classes without images are empty."""
    for split, samples in splits.items():
        for name in classes:
            (folder / split / name).mkdir(parents=True)
        for sample in samples:
            place = folder / split / classes[sample.label] / sample.id.replace("/", "--")
            place.symlink_to(sample.path.resolve())


def _write_account(
    out: Path, survey: Survey, target: Period, counts: Mapping[str, Mapping[str, int]]
) -> None:
    periods = [
        {
            "period": period.label,
            "start": period.start.isoformat(),
            "end": period.end.isoformat(),
            "folder": "target" if period is target else f"sources/{period.label}",
            "samples": counts[period.label],
        }
        for period in survey.periods
    ]
    account = {"classes": survey.classes, "target": target.label, "periods": periods}
    (out / MADE).write_text(json.dumps(account, indent=1) + "\n")


def _lacking(classes: tuple[str, ...], splits: Mapping[str, Splits]) -> list[str]:
    remarks = []
    for label, parts in splits.items():
        trained = {sample.label for sample in parts["train"]}
        absent = [name for number, name in enumerate(classes) if number not in trained]
        remarks += [f"period {label}: no image of {listed(absent)} to train on"] if absent else []
    return remarks
