"""Show this project's docstrings, which are prose, to a reader of reStructuredText."""

import re

from sphinx.application import Sphinx

CODE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
MARKUP = re.compile(r"([*|]|(?<=\w)_(?!\w))")


def setup(app: Sphinx) -> dict[str, bool]:
    """Hook into autodoc."""
    app.connect("autodoc-process-docstring", _plain)
    return {"parallel_read_safe": True}


def _plain(_app: Sphinx, _what: str, _name: str, _object: object, _options: object, lines: list[str]) -> None:
    """Keep stars, bars and underscores as they are; `code` is code."""
    lines[:] = [plain(line) for line in lines]


def plain(line: str) -> str:
    """Escape a line of prose outside of its `code`."""
    parts = CODE.split(line)
    return "".join(f"``{part}``" if at % 2 else MARKUP.sub(r"\\\1", part) for at, part in enumerate(parts))
