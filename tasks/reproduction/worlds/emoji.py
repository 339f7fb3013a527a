"""Real time: emoji as one product drew them from 2016 to 2025, from packages of npm."""

import json
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from grasp_core.data import emoji
from grasp_core.data.samples import Samples
from grasp_core.data.target import TargetData
from grasp_core.errors import InvalidConfig, InvalidData
from tasks.contracts.base import Document, InputSpec
from tasks.errors import InvalidDocument
from tasks.problems import first_problem
from tasks.publishing.describe import PHOTOGRAPHS
from tasks.reproduction.study import Study
from tasks.reproduction.telling import Say
from tasks.reproduction.worlds.photographs import FEWEST, paper_recipe
from tasks.reproduction.worlds.world import Recipe, Training

PACKAGES = {  # by file, as `npm pack` names them; pictures Apache-2.0
    "emoji-datasource-2.4.4.tgz": "2016-06",
    "emoji-datasource-google-3.0.0.tgz": "2017-05",
    "emoji-datasource-google-4.0.3.tgz": "2017-12",
    "emoji-datasource-google-5.0.1.tgz": "2020-01",
    "emoji-datasource-google-6.0.1.tgz": "2021-03",
    "emoji-datasource-google-14.0.0.tgz": "2022-03",
    "emoji-datasource-google-16.0.0.tgz": "2025-09",
}
SPEC = PHOTOGRAPHS.model_copy(update={"height": emoji.SIDE, "width": emoji.SIDE})
TEST, LABELLED = 0.3, 0.2  # shares of the identities; the rest are the sources'
TENTH = 10  # one of so many pictures of a source chooses the epoch
MADE = "emoji.json"  # written last


class Kept(Document):
    """emoji.json: what each picture beside it is, period by period in order of time."""

    identities: dict[str, tuple[str, ...]]
    labels: dict[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Emoji:
    """An identity serves either sources, or the target's labels, or tests, in whatever period."""

    kept: Kept
    folder: Path
    budget: int
    classes: tuple[str, ...] = emoji.CLASSES
    spec: InputSpec = SPEC

    @property
    def sources(self) -> tuple[str, ...]:
        """Label the source periods."""
        return tuple(self.kept.labels)[:-1]

    @property
    def target(self) -> str:
        """Label the last period."""
        return tuple(self.kept.labels)[-1]

    def base(self, *, seed: int) -> None:
        """Give nothing: sources start from ImageNet's weights, or from random ones."""

    def period(self, label: str, *, seed: int) -> Training:
        """Give a period's pictures of the sources' identities."""
        names = self._dealt(seed)[2]
        held = names[::TENTH]
        return Training(self._of(label, np.setdiff1d(names, held)), self._of(label, held))

    def labelled(self, *, seed: int) -> TargetData:
        """Give the target's labels, a quarter of them for val; raises InvalidConfig when they are too few."""
        names = self._dealt(seed)[1]
        count = self.budget or len(names)
        held = max(FEWEST, count // 4)
        if not held + 2 <= count <= len(names):
            raise InvalidConfig(
                f"--budget {self.budget}: needs {FEWEST + 2} to {len(names)} labels, which the target has; "
                "nothing was started"
            )
        return TargetData(self._of(self.target, names[held:count]), self._of(self.target, names[:held]))

    def tests(self, *, seed: int) -> tuple[Samples, ...]:
        """Give every period's pictures of the identities that are for tests."""
        names = self._dealt(seed)[0]
        return tuple(self._of(label, names) for label in self.kept.labels)

    def recipe(self, study: Study, *, seed: int) -> Recipe:
        """Give the paper's recipe."""
        return paper_recipe(study, seed=seed)

    def _dealt(self, seed: int) -> list[NDArray[np.str_]]:
        """Deal the target period's identities out: tests, labels, sources."""
        names = np.random.default_rng(seed).permutation(sorted(self.kept.identities[self.target]))
        ends = [0, round(TEST * len(names)), round((TEST + LABELLED) * len(names)), len(names)]
        return [names[start:end] for start, end in pairwise(ends)]

    def _of(self, label: str, names: NDArray[np.str_]) -> Samples:
        rows = np.flatnonzero(np.isin(self.kept.identities[label], names))
        pictures = np.load(self.folder / f"{label}.npy", mmap_mode="r", allow_pickle=False)
        labels = np.array(self.kept.labels[label], dtype=np.int64)
        return Samples(pictures[rows], labels[rows], mean=self.spec.mean, std=self.spec.std)


def make_emoji(data: Path, out: Path, say: Say) -> Kept:
    """Read the packages of a folder; the last period says what a drawing means.

    Raises InvalidData with fewer than two of them, or for one that holds no drawings.
    """
    found = {period: data / file for file, period in PACKAGES.items() if (data / file).is_file()}
    if len(found) < 2:
        raise InvalidData(
            f"{data}: has {len(found)} of {', '.join(PACKAGES)}; needs two or more, npm pack fetches them; "
            "nothing was done"
        )
    latest = emoji.read(found[list(found)[-1]])
    meanings = dict(zip(latest.identities, latest.categories, strict=True))
    out.mkdir(parents=True, exist_ok=True)
    identities, labels = {}, {}
    for period, tarball in found.items():
        drawings, numbers = emoji.labelled(emoji.read(tarball), meanings)
        np.save(out / f"{period}.npy", drawings.pictures)
        identities[period], labels[period] = drawings.identities, tuple(numbers.tolist())
        say(f"read {tarball.name}, {period}: {len(numbers)} drawings")
    kept = Kept(identities=identities, labels=labels)
    draft = out / f".{MADE}"
    draft.write_text(kept.model_dump_json() + "\n")
    draft.replace(out / MADE)
    return kept


def read_emoji(out: Path) -> Kept | None:
    """Say what was read before; None until all of it is there. Raises InvalidDocument."""
    if not (out / MADE).exists():
        return None
    try:
        return Kept.model_validate(json.loads((out / MADE).read_text()))
    except ValidationError as error:
        raise InvalidDocument(f"{out / MADE}: {first_problem(error)}; delete {out} to make it") from error
