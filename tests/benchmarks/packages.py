"""Tiny packages in the real format, for tests: pictures are plain colours."""

import io
import json
import tarfile
from pathlib import Path

from PIL import Image

Colour = tuple[int, int, int, int]  # with alpha


def entry(code: str, category: str, *, place: int = 0, **other: object) -> dict:
    return {
        "unified": code,
        "image": f"{code.lower()}.png",
        "sheet_x": place % 4,
        "sheet_y": place // 4,
        "category": category,
        "has_img_google": True,
    } | other


def png(colour: Colour, *, side: int = 64) -> Image.Image:
    return Image.new("RGBA", (side, side), colour)


def package(path: Path, entries: list[dict], colours: list[Colour], *, sheet: bool = False) -> Path:
    """sheet: all on one of 4 cells a row, as emoji-datasource 2 had it; else one by one."""
    files = {"package/emoji.json": json.dumps(entries).encode()}
    if sheet:
        whole = Image.new("RGBA", (256, 64 * (1 + len(entries) // 4)))
        for each, colour in zip(entries, colours, strict=True):
            whole.paste(png(colour), (64 * each["sheet_x"], 64 * each["sheet_y"]))
        files["package/sheet_google_64.png"] = _encoded(whole)
    else:
        for each, colour in zip(entries, colours, strict=True):
            files[f"package/img/google/64/{each['image']}"] = _encoded(png(colour))
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def _encoded(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()
