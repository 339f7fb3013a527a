"""The pages of the reference that are made from the code: core, settings, command line, documents."""

from pathlib import Path

from made import command_line, contracts, core, settings
from sphinx.application import Sphinx

FOLDER = "reference/made"


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
    }
    for name, text in pages.items():
        path = folder / name
        if not path.is_file() or path.read_text() != text:
            path.write_text(text)
