"""Class names as a person writes them: in one line with commas, or in a file."""

import csv
import json
from pathlib import Path

from tasks.errors import InvalidDocument


def classes_in(text: str) -> tuple[str, ...]:
    """Read names with commas between; spaces around them go, quotes keep a comma: a, "b, c".

    Raises InvalidDocument for an empty name or a quote without its end.
    """
    try:
        (row,) = csv.reader([text], skipinitialspace=True, strict=True)
    except (csv.Error, ValueError) as error:
        raise InvalidDocument(f"--classes {text!r}: {error}; nothing was published") from error
    return _named([name.strip() for name in row], "--classes")


def classes_of(file: Path) -> tuple[str, ...]:
    """Read names from a file: a JSON list of them, or one per line. Raises InvalidDocument."""
    try:
        text = file.read_bytes().decode("utf-8-sig")
        names = json.loads(text) if text.lstrip().startswith("[") else _lines(text)
    except ValueError as error:
        raise InvalidDocument(
            f"{file}: {error}; needs UTF-8, a JSON list or a name per line; nothing was published"
        ) from error
    if not all(isinstance(name, str) for name in names):
        raise InvalidDocument(f"{file}: holds what is no text, needs a list of names; nothing was published")
    return _named(names, str(file))


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _named(names: list[str], where: str) -> tuple[str, ...]:
    if not all(names):
        place = names.index("") + 1
        raise InvalidDocument(f"{where}: name {place} of {len(names)} is empty; nothing was published")
    return tuple(names)
