"""What a data set that is laid out by time holds: periods, with the images of each."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from grasp_core.data.folder import Sample, Skipped

IMAGES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"}  # in any case
_LEFT_BEHIND = {"thumbs.db", "desktop.ini", "__macosx"}  # by file managers and archivers, in lower case


@dataclass(frozen=True, kw_only=True, slots=True)
class Period:
    """One period: its label, first and last day, and its images; labels index the survey's classes."""

    label: str
    start: date
    end: date
    samples: tuple[Sample, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Survey:
    """What was found: classes, the periods with images in order of time, files left out, what to know."""

    classes: tuple[str, ...]
    periods: tuple[Period, ...]
    skipped: tuple[Skipped, ...]
    remarks: tuple[str, ...]


def files(root: Path, folder: Path) -> Iterator[tuple[str, Path]]:
    """Give every file below a folder, sorted, with its path below root; not leftovers of other programs."""
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if not path.is_dir() and not any(is_leftover(part) for part in parts):
            yield path.relative_to(root).as_posix(), path


def is_leftover(name: str) -> bool:
    """Say whether a name is one that a file manager or an archiver leaves behind, or hidden."""
    return name.startswith(".") or name.lower() in _LEFT_BEHIND


def fault(name: str, path: Path) -> str | None:
    """Say why a file cannot be a sample by its name alone, or None."""
    if name.encode(errors="backslashreplace").decode() != name:
        return f"{path}: has a name that is not UTF-8; it is skipped"
    if path.suffix.lower() not in IMAGES:
        return f"{path}: is no image by its name, needs one of {' '.join(sorted(IMAGES))}; it is skipped"
    return None


def listed(items: list[str], *, limit: int = 12) -> str:
    """Name the first items, and count the others."""
    more = f" and {len(items) - limit} more" if len(items) > limit else ""
    return ", ".join(items[:limit]) + more
