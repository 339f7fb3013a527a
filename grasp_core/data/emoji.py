"""One product's designs by year: the pictures of an emoji package, as one period of data that drift in time.

A package is a tarball of npm's emoji-datasource: emoji.json, and 64 px pictures one by one
(img/google/64/) or all on one sheet (sheet_google_64.png, as emoji-datasource 2 had it).
"""

import io
import json
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from grasp_core.errors import InvalidData

if TYPE_CHECKING:
    from PIL import Image as Pillow

CLASSES = (
    *("Activities", "Animals & Nature", "Flags", "Food & Drink", "Objects"),
    *("People & Body", "Smileys & Emotion", "Symbols", "Travel & Places"),
)
SIDE = 64  # pixels
CATALOGUE, PICTURES, SHEET = "package/emoji.json", "package/img/google/64/", "package/sheet_google_64.png"
JOINER, VARIANT = "200D", "FE0F"  # glues several drawings into one; asks for colour, and changes nothing


@dataclass(frozen=True, slots=True)
class Drawings:
    """Pictures of one period. identities: code points; the same name means the same thing in every period.

    categories: as this period's package files them. pictures: uint8 N x 64 x 64 x 3, on white.
    """

    identities: tuple[str, ...]
    categories: tuple[str, ...]
    pictures: NDArray[np.uint8]


def read(tarball: Path) -> Drawings:
    """Read what a package has as Google's drawings: no combinations by joiner, the first of a name only.

    Raises InvalidData when it has none, or lacks a picture that its catalogue names.
    """
    files = _files(tarball)
    found: dict[str, tuple[str, NDArray[np.uint8]]] = {}
    sheet = _opened(files[SHEET]) if SHEET in files else None
    for entry in json.loads(files.get(CATALOGUE, b"[]")):
        codes = str(entry["unified"]).upper().split("-")
        name = "-".join(code for code in codes if code != VARIANT)
        if entry.get("has_img_google") and JOINER not in codes and name not in found:
            found[name] = entry["category"], _on_white(_picture(entry, files, sheet, tarball))
    if not found:
        raise InvalidData(
            f"{tarball}: holds no Google drawing, needs {CATALOGUE} that names some; nothing was read"
        )
    categories, pictures = zip(*found.values(), strict=True)
    return Drawings(tuple(found), categories, np.stack(pictures))


def labelled(drawings: Drawings, meanings: dict[str, str]) -> tuple[Drawings, NDArray[np.int64]]:
    """Give the drawings whose meaning (a category, by identity) is one of CLASSES, and their labels."""
    kept = [row for row, name in enumerate(drawings.identities) if meanings.get(name) in CLASSES]
    names = tuple(drawings.identities[row] for row in kept)
    categories = tuple(drawings.categories[row] for row in kept)
    labels = np.array([CLASSES.index(meanings[name]) for name in names], dtype=np.int64)
    return Drawings(names, categories, drawings.pictures[kept]), labels


def _files(tarball: Path) -> dict[str, bytes]:
    """Read the catalogue and the pictures, nothing else, without unpacking anything to the disk."""
    files = {}
    with tarfile.open(tarball) as archive:
        for member in archive:
            if member.name in (CATALOGUE, SHEET) or member.name.startswith(PICTURES):
                content = archive.extractfile(member)
                files[member.name] = content.read() if content else b""
    return files


def _picture(
    entry: dict[str, Any], files: dict[str, bytes], sheet: "Pillow.Image | None", tarball: Path
) -> "Pillow.Image":
    if sheet is not None:
        left, top = SIDE * int(entry["sheet_x"]), SIDE * int(entry["sheet_y"])
        return sheet.crop((left, top, left + SIDE, top + SIDE))
    path = PICTURES + str(entry["image"])
    if path not in files:
        raise InvalidData(f"{tarball}: lacks {path}, which {CATALOGUE} names; nothing was read")
    return _opened(files[path])


def _opened(content: bytes) -> "Pillow.Image":
    from PIL import Image as Pillow

    return Pillow.open(io.BytesIO(content)).convert("RGBA")


def _on_white(picture: "Pillow.Image") -> NDArray[np.uint8]:
    from PIL import Image as Pillow

    paper = Pillow.new("RGBA", picture.size, "white")
    paper.alpha_composite(picture)
    return np.asarray(paper.convert("RGB"), dtype=np.uint8)
