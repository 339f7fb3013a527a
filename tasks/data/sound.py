"""The sound images of a folder: decoded once to see that they are whole, without copies, split by split."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from grasp_core.data.decoding import Image, decode
from grasp_core.data.folder import Found, Sample, Skipped
from grasp_core.errors import InvalidData
from tasks.contracts.base import InputSpec
from tasks.data.datasets import SPLITS
from tasks.data.shares import thin_classes
from tasks.errors import InvalidDocument
from tasks.printable import printable

TOLD = 3  # skipped files, and classes, that a refusal names


class Sound(NamedTuple):
    """Samples that can be decoded and are no copies, by split; what was skipped, what to know of others."""

    samples: dict[str, list[Sample]]
    skipped: tuple[Skipped, ...]
    remarks: tuple[str, ...]


def sound_samples(found: Found, spec: InputSpec) -> Sound:
    """Keep the samples that can be decoded and are no copies; a copy in two splits would leak.

    What is said of those skipped, and of others, is fit for a terminal.
    """
    seen: dict[bytes, str] = {}
    sound: dict[str, list[Sample]] = {}
    skipped = list(found.skipped)
    remarks: list[str] = []
    for split, samples in found.samples.items():
        sound[split] = []
        for sample in samples:
            try:
                content = hashlib.sha256(decoded(sample, spec, remarks).tobytes()).digest()
            except InvalidData as error:
                skipped.append(Skipped(sample.id, str(error)))
                continue
            first = seen.setdefault(content, sample.id)
            if first == sample.id:
                sound[split].append(sample)
            else:
                skipped.append(Skipped(sample.id, f"{sample.path}: shows the same as {first}; it is skipped"))
    said = tuple(Skipped(each.id, printable(each.reason)) for each in skipped)
    return Sound(sound, said, tuple(map(printable, remarks)))


def check_splits(
    folder: Path,
    classes: Sequence[str],
    splits: Mapping[str, Sequence[Sample]],
    skipped: Sequence[Skipped],
    *,
    cure: str,
    lacking: Collection[int] = (),
) -> None:
    """Raise InvalidDocument for an empty split or a class without images in train; tells what was skipped.

    lacking: labels of classes that are known to have no image.
    """
    empty = [split for split in SPLITS if split in splits and not splits[split]]
    trained = {sample.label for sample in splits["train"]}
    unseen = [name for label, name in enumerate(classes) if label not in trained and label not in lacking]
    if empty or unseen:
        raise InvalidDocument(
            f"{folder}: no image for {printable(', '.join(empty or unseen))}, needs some in every split and "
            f"of every class in train; {'; '.join(thin_classes(classes, splits)[:TOLD])}; {cure}"
            f"{_told(skipped)}; nothing was done"
        )


def decoded(sample: Sample, spec: InputSpec, remarks: list[str] | None = None) -> Image:
    """Decode a sample; what there is to say of it is added to remarks."""
    heard: list[str] = []
    pixels = decode(
        sample.path, height=spec.height, width=spec.width, channels=spec.channels, say=heard.append
    )
    if heard and remarks is not None:
        remarks.append(f"{sample.path}: {'; '.join(heard)}")
    return pixels


def _told(skipped: Sequence[Skipped]) -> str:
    said = " | ".join(printable(each.reason, limit=300) for each in skipped[:TOLD])
    return f"; skipped {len(skipped)}: {said}{' | ...' * (len(skipped) > TOLD)}" if skipped else ""
