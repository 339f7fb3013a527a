"""Images of all periods as arrays on disk, from a data set as its authors lay it out."""

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from grasp_core.data.folder import Sample, stratified
from tasks.contracts.base import Classes, Document, InputSpec, Sha256
from tasks.contracts.writing import need_room
from tasks.data.folder import labels_of, write_images
from tasks.data.layouts.prepare import TEST, VAL, check_period, chosen_period
from tasks.data.layouts.sound import Progress, sound
from tasks.data.layouts.survey import Survey
from tasks.errors import InvalidDocument
from tasks.problems import first_problem

SPLITS = ("train", "val", "test")
MADE = "data.json"  # written last


class Arrays(Document):
    """data.json: what the arrays beside it are. periods: samples per split, the target's last."""

    classes: Classes
    input: InputSpec
    periods: dict[str, dict[str, int]]
    samples: Sha256  # of every id, label and split: the same for the same copy of the data
    remarks: tuple[str, ...]


def make_arrays(
    survey: Survey, out: Path, *, spec: InputSpec, target: str | None, progress: Progress
) -> Arrays:
    """Split every period 80/10/10 as `grasp dataset prepare` does, decode, and write it below out.

    A making that broke off is begun anew. Raises InvalidData, InvalidDocument.
    """
    need_room(survey.classes, name=str(out))
    chosen = chosen_period(survey, target)
    kept, skipped = sound(survey, spec, progress)
    order = [*(label for label in kept if label != chosen.label), chosen.label]
    splits = {label: stratified(kept[label], val=VAL, test=TEST) for label in order}
    for label, parts in splits.items():
        check_period(label, parts, len(skipped))
    shutil.rmtree(out, ignore_errors=True)
    for label, parts in splits.items():
        _write(out / label, parts, spec)
    said = [f"skipped {each.reason}" for each in skipped]
    made = Arrays(
        classes=survey.classes,
        input=spec,
        periods={label: {split: len(parts[split]) for split in SPLITS} for label, parts in splits.items()},
        samples=_digest(splits),
        remarks=(*survey.remarks, *said),
    )
    draft = out / f".{MADE}"
    draft.write_text(made.model_dump_json(indent=1) + "\n")
    draft.replace(out / MADE)
    return made


def read_arrays(out: Path) -> Arrays | None:
    """Say what arrays are there; None until they are whole. Raises InvalidDocument."""
    if not (out / MADE).exists():
        return None
    try:
        return Arrays.model_validate(json.loads((out / MADE).read_text()))
    except ValidationError as error:
        raise InvalidDocument(f"{out / MADE}: {first_problem(error)}; delete {out} to make it") from error


def _write(folder: Path, parts: Mapping[str, list[Sample]], spec: InputSpec) -> None:
    folder.mkdir(parents=True)
    for split in SPLITS:
        write_images(folder / f"{split}-images.npy", parts[split], spec)
        np.save(folder / f"{split}-labels.npy", labels_of(parts[split]))


def _digest(splits: Mapping[str, Mapping[str, list[Sample]]]) -> str:
    listed = [
        [label, split, sample.id, sample.label]
        for label, parts in splits.items()
        for split in SPLITS
        for sample in parts[split]
    ]
    return hashlib.sha256(json.dumps(listed).encode()).hexdigest()
