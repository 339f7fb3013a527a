"""Yearbook: portraits of American high schools, one folder per gender, the year in every file's name.

Source: Ginosar et al., "A Century of Portraits", arXiv:1511.02575; periods as in GRASP, arXiv:2606.14900.
"""

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

from grasp_core.data.folder import Sample, Skipped
from grasp_core.errors import InvalidData
from tasks.data.layouts.survey import Period, Survey, fault, files, listed

Labels = Literal["decade", "gender", "whole-decade"]

FOLDER = "faces_aligned_small_mirrored_co_aligned_cropped_cleaned"
GENDERS = {"F": "female", "M": "male"}
PERIODS = (  # label, first and last year
    ("before-1950", 1900, 1949),
    ("1950-1969", 1950, 1969),
    ("1970-1989", 1970, 1989),
    ("1990-on", 1990, 2029),
)
_YEAR = re.compile(r"\A(\d{4})(?!\d)", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Portrait:
    id: str
    path: Path
    gender: str
    year: int

    @property
    def period(self) -> tuple[str, int, int]:
        return next(period for period in PERIODS if self.year <= period[2])

    def label(self, labels: Labels) -> str:
        if labels == "gender":
            return GENDERS[self.gender]
        if labels == "whole-decade":
            return f"{self.year // 10 * 10}s"
        return f"decade-{(self.year - self.period[1]) // 10 + 1}"


def survey(source: Path, *, labels: Labels) -> Survey:
    """Find the portraits of the four periods.

    labels: decade, the decade's number within its period (decade-1 is the period's first; a short period
    lacks the later ones); gender; whole-decade, such as 1950s, which no two periods share.
    Raises InvalidData without a folder M or F, or without two classes.
    """
    root = source / FOLDER if (source / FOLDER).is_dir() else source
    there = [gender for gender in GENDERS if (root / gender).is_dir()]
    if not there:
        raise InvalidData(
            f"{source}: has neither {FOLDER} nor folders M and F, needs one of them; nothing was done"
        )
    portraits, skipped = _portraits(root, there)
    classes = tuple(sorted({portrait.label(labels) for portrait in portraits}))
    if len(classes) < 2:
        raise InvalidData(
            f"{source}: has {len(portraits)} portraits of {len(classes)} classes by {labels}, needs two "
            "classes; nothing was done"
        )
    remarks = [f"{root / gender}: is not there" for gender in GENDERS if gender not in there]
    return Survey(
        classes=classes,
        periods=tuple(_periods(portraits, classes, labels)),
        skipped=tuple(skipped),
        remarks=(*remarks, *_missing(portraits)),
    )


def _portraits(root: Path, genders: list[str]) -> tuple[list[_Portrait], list[Skipped]]:
    portraits, skipped = [], []
    for gender in genders:
        for name, path in files(root, root / gender):
            year = _YEAR.match(path.name)
            reason = fault(name, path) or _odd_year(path, year)
            if reason or year is None:
                skipped.append(Skipped(name, str(reason)))
            else:
                portraits.append(_Portrait(name, path, gender, int(year[1])))
    return portraits, skipped


def _odd_year(path: Path, year: re.Match[str] | None) -> str | None:
    first, last = PERIODS[0][1], PERIODS[-1][2]
    if year is None or not first <= int(year[1]) <= last:
        return f"{path}: begins with no year from {first} to {last}; it is skipped"
    return None


def _periods(portraits: list[_Portrait], classes: tuple[str, ...], labels: Labels) -> list[Period]:
    periods = []
    for label, first, last in PERIODS:
        here = [portrait for portrait in portraits if portrait.period[0] == label]
        if here:
            ended = max(portrait.year for portrait in here) if label == PERIODS[-1][0] else last
            samples = (Sample(each.id, each.path, classes.index(each.label(labels))) for each in here)
            periods.append(
                Period(label=label, start=date(first, 1, 1), end=date(ended, 12, 31), samples=tuple(samples))
            )
    return periods


def _missing(portraits: list[_Portrait]) -> list[str]:
    years = {portrait.year for portrait in portraits}
    gaps = [str(year) for year in range(min(years), max(years)) if year not in years]
    return [f"no portrait of {listed(gaps)}"] if gaps else []
