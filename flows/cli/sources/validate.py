"""`grasp validate`: would a source pass? For publishers, offline."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from flows.cli.app import app, tell
from tasks.bucket.store import Store
from tasks.contracts.reading import read_document
from tasks.contracts.target import Target
from tasks.journal.targets import read_target
from tasks.settings import StoreSettings, load_settings

if TYPE_CHECKING:
    from tasks.publishing.validate import Check


@app.command()
def validate(
    file: Path = typer.Argument(help="Weights, a safetensors file.", exists=True, dir_okay=False),
    manifest: Path = typer.Argument(help="Its manifest, a JSON file.", exists=True, dir_okay=False),
    target: str = typer.Option(
        ..., "--target", help="A file with its document or what grasp target show prints, or its name."
    ),
) -> None:
    """Run every check that an arrival goes through; nothing is sent.

    Example: [bold]grasp validate 2014.safetensors manifest.json --target target.json[/]
    """
    from tasks.publishing.validate import validate as checks

    found = []
    for check in checks(file, manifest, _target(target)):
        found.append(check)
        tell(f"{_mark(check)}  {check.what}")
        if remark := check.problem or check.unchecked:
            tell(f"      {remark}")
    if any(check.problem for check in found):
        raise typer.Exit(1)
    as_far = " as far as it was checked here" if any(check.unchecked for check in found) else ""
    tell(f"this source would be taken in{as_far}")


def _mark(check: "Check") -> str:
    return "FAIL" if check.problem else "part" if check.unchecked else "ok  "


def _target(which: str) -> Target:
    path = Path(which)
    if path.is_file():
        return read_document(Target, _document(path.read_bytes()), name=which)
    return read_target(Store.from_settings(load_settings(StoreSettings)), which)


def _document(body: bytes) -> bytes:
    """Give the document within what `grasp target show` prints; anything else as it is."""
    try:
        shown = json.loads(body)
    except (ValueError, RecursionError):
        return body  # read_document says what is wrong with it
    if isinstance(shown, dict) and shown.keys() == {"target", "journal"}:
        return json.dumps(shown["target"]).encode()
    return body
