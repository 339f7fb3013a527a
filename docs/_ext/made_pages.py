"""Pages that are made: the reference from the code, and those that lie beside the README."""

from pathlib import Path

from made import command_line, contracts, core, settings
from sphinx.application import Sphinx

FOLDER = "reference/made"
BESIDE = {"CHANGELOG.md": "project-changelog.md", "CONTRIBUTING.md": "project-contributing.md"}
ROOT = Path(__file__).parents[2]


def setup(app: Sphinx) -> dict[str, bool]:
    """Write the pages before Sphinx looks which there are."""
    app.connect("config-inited", lambda app, _config: write(Path(app.srcdir) / FOLDER))
    return {"parallel_read_safe": True}


def write(folder: Path) -> None:
    """Write every page, and leave alone what would not change: Sphinx reads by modification time."""
    folder.mkdir(parents=True, exist_ok=True)
    pages = {
        "core.md": core.page(),
        "settings.md": settings.page(),
        "command-line.md": command_line.page(),
        "documents.md": contracts.page(),
        **{page: _included(name) for name, page in BESIDE.items() if (ROOT / name).is_file()},
    }
    for name, text in pages.items():
        path = folder / name
        if not path.is_file() or path.read_text() != text:
            path.write_text(text)


def _included(name: str) -> str:
    """Give a page that shows a file beside the README, whose links begin there."""
    return f"```{{include}} ../../../{name}\n:relative-docs: docs/\n:relative-images:\n```\n"
