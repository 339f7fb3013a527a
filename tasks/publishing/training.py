"""Train a source model of a period's images into a weights file."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from grasp_core.data import digits
from grasp_core.data.augment import photographs
from grasp_core.data.folder import Found, Skipped, among, scan, stratified
from grasp_core.data.samples import Augment, Samples
from grasp_core.errors import InvalidData
from grasp_core.progress import Epoch, Step
from grasp_core.training.sources import SourceTrainingConfig, train_source
from tasks.contracts.base import InputSpec, ModelSignature
from tasks.contracts.target import Target
from tasks.contracts.writing import need_room
from tasks.data.folder import labels_of, write_images
from tasks.data.shares import cure, thin_classes
from tasks.data.sound import check_splits, sound_samples
from tasks.errors import InvalidDocument
from tasks.weights.files import new_module, save
from tasks.weights.grown import load_grown
from tasks.weights.snapshots import FileSnapshots

VAL_SHARE = 0.1
SHOWN = 20  # classes of a target that an error names
_PERIOD = re.compile(r"\A([1-9][0-9]?)/([1-9][0-9]?)\Z")


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceData:
    """Images of one period: most to train on, some to choose the epoch by, and what to know of the folder.

    skipped: files left out; remarks on others; thin: classes that val has none of, cure: what helps.
    """

    classes: tuple[str, ...]
    train: Samples
    val: Samples
    skipped: tuple[Skipped, ...] = ()
    remarks: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()  # asked for, without a folder
    thin: tuple[str, ...] = ()
    cure: str = ""


class Told:
    """Tells every epoch in a line."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say

    def step(self, name: Step) -> None:
        """Pass over the steps of an absorb: a source's training has none."""

    def epoch(self, epoch: Epoch) -> None:
        """Tell how the epoch ended."""
        self._say(
            f"epoch {epoch.epoch}/{epoch.epochs}: loss {epoch.train_loss:.4f}, "
            f"validation accuracy {epoch.val_accuracy:.3f}"
        )


def digits_data(which: str, *, seed: int) -> SourceData:
    """Give the digits of period K of N ("2/6"), as they look after drifting so long. Raises InvalidData."""
    match = _PERIOD.match(which)
    if match is None:
        raise InvalidData(f"--digits {which}: needs K/N, such as 2/6; nothing was trained")
    split = digits.source(int(match[1]), of=int(match[2]), strength=1.0, seed=seed)
    cut = round(len(split.labels) * (1 - VAL_SHARE))
    train, val = (
        Samples(split.images[rows], split.labels[rows], mean=digits.MEAN, std=digits.STD)
        for rows in (slice(cut), slice(cut, None))
    )
    return SourceData(classes=digits.CLASSES, train=train, val=val)


def folder_classes(folder: Path, target: Target | None = None) -> tuple[str, ...]:
    """Give the classes that a folder is trained on, before anything is decoded; a target's, if one is named.

    Where classes were added to the target and the folder has none of the last ones, they are left away: rows
    that training only pushes down are worth less than those that the target's labels give them.
    Raises InvalidData without two classes, InvalidDocument when the folder has a class that the target lacks.
    """
    found = scan(folder).classes
    if target is None:
        return found
    if unknown := sorted(set(found) - set(target.classes)):
        raise InvalidDocument(
            f"{folder}: has classes that target {target.name} has not: {', '.join(map(ascii, unknown))}; it "
            f"has {', '.join(map(ascii, target.classes[:SHOWN]))}; rename the folders; nothing was trained"
        )
    known = 1 + max(target.classes.index(name) for name in found)
    return target.needed_of(max(known, target.grown_from or 0)).classes


def folder_data(
    folder: Path,
    spec: InputSpec,
    scratch: Path,
    *,
    val: float = VAL_SHARE,
    classes: tuple[str, ...] = (),
) -> SourceData:
    """Decode a folder with one subfolder per class, once, into arrays on disk.

    classes: in the order that the source shall have; those without a folder are classes that it lacks.
    val: share of each class to choose the epoch by. Of a folder that is split already train and val are used.
    Files that hold no whole image, and copies of an image that came before, are skipped and named. An empty
    class folder states a class that this period lacks. Raises InvalidData without two classes,
    InvalidDocument when nothing is left to train or validate on.
    """
    own = scan(folder)
    found = among(own, classes)
    absent = tuple(name for name in found.classes if name not in own.classes)
    need_room(found.classes, name=str(folder))
    sound, skipped, remarks = sound_samples(found, spec)
    splits = stratified(sound[""], val=val, test=0.0) if "" in sound else sound
    parts = {split: splits[split] for split in ("train", "val")}
    helps = cure(sound, ("val",))
    check_splits(folder, found.classes, parts, skipped, cure=helps, lacking=_lacking(found))
    trained, validated = (
        Samples(
            write_images(scratch / f"{split}.npy", samples, spec),
            labels_of(samples),
            mean=spec.mean,
            std=spec.std,
            augment=_augment(spec) if split == "train" else None,
        )
        for split, samples in parts.items()
    )
    return SourceData(
        classes=found.classes,
        train=trained,
        val=validated,
        skipped=skipped,
        remarks=remarks,
        absent=absent,
        thin=thin_classes(found.classes, parts, lacking=absent),
        cure=helps,
    )


def _lacking(found: Found) -> set[int]:
    """Name the labels of empty class folders: a period may lack classes that others have, but must say so."""
    filled = {name for each in found.skipped for name in each.id.split("/")[:-1]}
    present = {sample.label for samples in found.samples.values() for sample in samples}
    return {label for label, name in enumerate(found.classes) if label not in present and name not in filled}


def train(
    data: SourceData,
    signature: ModelSignature,
    file: Path,
    *,
    epochs: int,
    lr: float,
    seed: int,
    say: Callable[[str], None],
    start: Path | None = None,
) -> float:
    """Train by the paper's recipe into a weights file; gives the validation accuracy of the epoch kept.

    start: the weights to go on from, checked before, of all classes or the first ones; without any, torch's
    random ones.
    """
    config = SourceTrainingConfig(epochs=epochs, lr=lr, seed=seed)
    torch.manual_seed(seed)
    module = load_grown(start, signature.architecture) if start else new_module(signature.architecture)
    if torch.cuda.is_available():
        module.cuda()
    snapshots = FileSnapshots(file.parent)
    metrics = train_source(
        module, data.train, data.val, config=config, snapshots=snapshots, progress=Told(say)
    )
    save(module, file)
    return metrics.accuracy


def _augment(spec: InputSpec) -> Augment | None:
    return photographs(height=spec.height, width=spec.width) if spec.channels == 3 else None
