"""CLEAR-10 and CLEAR-100: photographs by year and class.

Source: Lin et al., "The CLEAR Benchmark", arXiv:2201.06289; bins and classes as in GRASP, arXiv:2606.14900.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from grasp_core.data.folder import Sample, Skipped
from grasp_core.errors import InvalidData
from tasks.data.layouts.survey import Period, Survey, fault, files, is_leftover, listed

IMAGES, NAMES, BACKGROUND = "labeled_images", "class_names.txt", "BACKGROUND"
YEARS = range(1, 11)
FIRST_YEAR = 2005  # that year 1 stands for
THIRTY = (
    *("airplane", "aquarium", "baseball", "beer", "boat", "bookstore", "bowling_ball", "bridge", "bus"),
    *("camera", "castle", "chocolate", "coins", "diving", "field_hockey", "food_truck", "football", "guitar"),
    *("hair_salon", "helicopter", "horse_riding", "motorcycle", "pet_store", "racing_car", "shopping_mall"),
    *("skyscraper", "soccer", "stadium", "train", "video_game"),
)


def survey(source: Path, *, only: Sequence[str] | None = None) -> Survey:
    """Find the photographs of the five two-year bins, year_1-2 to year_9-10.

    only: the classes to keep, all by default; BACKGROUND never is one. Years are folders 1 to 10, or 2005 to
    2014. Raises InvalidData without labeled_images, without two classes that have images, or where
    class_names.txt lacks one of only.
    """
    root = _root(source)
    named, remarks = _named(root, source)
    wanted = _wanted(source, named, only)
    years = _years(root / IMAGES, remarks)
    samples, skipped, others = _photographs(root, years, wanted)
    classes = tuple(name for name in wanted if any(label == name for _, label, _ in samples))
    remarks += [
        f"class {name}: has no image in any year; it is left out" for name in wanted if name not in classes
    ]
    remarks += [f"class {name}: {count} images left out" for name, count in sorted(others.items())]
    remarks += _empty(samples, classes)
    if len(classes) < 2:
        raise InvalidData(
            f"{source}: has images of {len(classes)} classes, needs two or more; nothing was done"
        )
    return Survey(
        classes=classes, periods=tuple(_bins(samples, classes)), skipped=skipped, remarks=tuple(remarks)
    )


def _root(source: Path) -> Path:
    for found in (source, *sorted(source.glob("*")), *sorted(source.glob("*/*"))):
        if (found / IMAGES).is_dir():
            return found
    raise InvalidData(f"{source}: has no folder {IMAGES}, at most two levels down; nothing was done")


def _named(root: Path, source: Path) -> tuple[list[str], list[str]]:
    for folder in (root, root / IMAGES, source):
        if (folder / NAMES).is_file():
            lines = (folder / NAMES).read_text(encoding="utf-8-sig", errors="replace").splitlines()
            return [line.strip() for line in lines if line.strip()], []
    seen = {each.name for year in (root / IMAGES).iterdir() if year.is_dir() for each in _folders(year)}
    return sorted(seen), [f"{source}: has no {NAMES}; its classes are the folders of all years"]


def _wanted(source: Path, named: list[str], only: Sequence[str] | None) -> list[str]:
    classes = [name for name in dict.fromkeys(named) if name.upper() != BACKGROUND]
    missing = [name for name in only or () if name not in classes]
    if missing:
        raise InvalidData(
            f"{source}: {NAMES} has {len(classes)} classes and lacks {listed(missing)}; needs all of the "
            f"{len(only or ())} that the paper uses; nothing was done"
        )
    return sorted(only or classes)  # the order of the folders that a source is trained from


def _folders(folder: Path) -> list[Path]:
    return [each for each in sorted(folder.iterdir()) if each.is_dir() and not is_leftover(each.name)]


def _years(images: Path, remarks: list[str]) -> Mapping[int, Path]:
    calendar = {str(FIRST_YEAR + year - 1): year for year in YEARS}
    numbers = {str(year): year for year in YEARS} | calendar
    years: dict[int, Path] = {}
    for folder in _folders(images):
        year = numbers.get(folder.name)
        if year is None or year in years:
            remarks.append(
                f"{folder}: is no year from 1 to 10 or 2005 to 2014, or there twice; it is left out"
            )
        else:
            years[year] = folder
    missing = [str(year) for year in YEARS if year not in years]
    remarks += [f"no folder of year {listed(missing)}"] if missing else []
    return years


def _photographs(
    root: Path, years: Mapping[int, Path], wanted: list[str]
) -> tuple[list[tuple[int, str, Sample]], tuple[Skipped, ...], Counter[str]]:
    samples: list[tuple[int, str, Sample]] = []
    skipped: list[Skipped] = []
    others: Counter[str] = Counter()
    for year, folder in sorted(years.items()):
        for kind in _folders(folder):
            for name, path in files(root, kind):
                if kind.name not in wanted:
                    others[kind.name] += 1
                elif reason := fault(name, path):
                    skipped.append(Skipped(name, reason))
                else:
                    samples.append((year, kind.name, Sample(name, path, 0)))
    return samples, tuple(skipped), others


def _bins(samples: list[tuple[int, str, Sample]], classes: tuple[str, ...]) -> list[Period]:
    bins = []
    for first in YEARS[::2]:
        here = [
            Sample(sample.id, sample.path, classes.index(name))
            for year, name, sample in samples
            if year in (first, first + 1)
        ]
        if here:
            start, end = date(FIRST_YEAR + first - 1, 1, 1), date(FIRST_YEAR + first, 12, 31)
            bins.append(Period(label=f"year_{first}-{first + 1}", start=start, end=end, samples=tuple(here)))
    return bins


def _empty(samples: list[tuple[int, str, Sample]], classes: tuple[str, ...]) -> list[str]:
    seen = {(year, name) for year, name, _ in samples}
    remarks = []
    for year in sorted({year for year, _ in seen}):
        absent = [name for name in classes if (year, name) not in seen]
        remarks += [f"year {year}: no image of {listed(absent)}"] if absent else []
    return remarks
