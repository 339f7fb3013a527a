"""Make the world of a study, and say what is usual for each data set."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import cast

from tasks.contracts.base import InputSpec
from tasks.data.layouts.yearbook import Labels
from tasks.errors import OperationRefused
from tasks.publishing.describe import PHOTOGRAPHS
from tasks.reproduction.place import Place
from tasks.reproduction.study import PAPER, DatasetName, Study
from tasks.reproduction.telling import Say
from tasks.reproduction.worlds import emoji
from tasks.reproduction.worlds.arrays import make_arrays, read_arrays
from tasks.reproduction.worlds.digits import SPEC, Digits
from tasks.reproduction.worlds.photographs import Photographs, survey_of
from tasks.reproduction.worlds.world import World

TOLD_EVERY = 2000  # images


@dataclass(frozen=True, kw_only=True, slots=True)
class Usual:
    """What a data set is measured with unless said otherwise."""

    architectures: tuple[str, ...] = PAPER
    size: int = 224
    budget: int = 0
    epochs: int = 3
    lr: float = 5e-5
    source_epochs: int = 15
    source_lr: float = 3e-4
    threads: int | None = None  # None: as torch has it


_DIGITS = Usual(
    architectures=("grasp/digits-cnn",),
    size=8,
    budget=60,
    epochs=20,
    lr=1e-3,
    source_epochs=25,
    source_lr=1e-3,
    threads=1,  # more only wait for each other
)
_EMOJI = Usual(architectures=("timm/tf_efficientnet_lite0",), size=emoji.SPEC.height, budget=60, epochs=20)
USUAL: Mapping[DatasetName, Usual] = MappingProxyType(
    {"yearbook": Usual(), "clear10": Usual(), "clear100": Usual(), "emoji": _EMOJI, "digits": _DIGITS}
)


def make_world(study: Study, data: Path | None, place: Place, say: Say) -> World:
    """Give the study's data; those on disk are decoded once, into the study's place.

    Raises OperationRefused when there are none yet and none were named, InvalidData for another layout.
    """
    if study.dataset == "digits":
        return Digits(study.budget)
    if study.dataset == "emoji":
        kept = emoji.read_emoji(place.data) or emoji.make_emoji(_named(data, study), place.data, say)
        return emoji.Emoji(kept, place.data, study.budget)
    made = read_arrays(place.data)
    if made is None:
        survey = survey_of(study.dataset, _named(data, study), cast("Labels", study.labels or "decade"))

        def progress(done: int, total: int) -> None:
            if done % TOLD_EVERY == 0 or done == total:
                say(f"looked at {done} of {total} images")

        made = make_arrays(
            survey, place.data, spec=spec_of(study), target=study.target_period or None, progress=progress
        )
        for remark in made.remarks:
            say(f"note: {remark}")
    return Photographs(made, place.data, study.budget)


def _named(data: Path | None, study: Study) -> Path:
    if data is None:
        raise OperationRefused(
            f"grasp reproduce {study.dataset}: needs --data, the folder with the data set as its authors lay "
            "it out (docs/howto/reproduce.md); nothing was done"
        )
    return data


def spec_of(study: Study) -> InputSpec:
    """Say what a model of the study sees."""
    if study.dataset == "digits":
        return SPEC
    if study.dataset == "emoji":
        return emoji.SPEC
    return PHOTOGRAPHS.model_copy(update={"height": study.size, "width": study.size})
