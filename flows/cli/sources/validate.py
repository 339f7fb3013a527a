"""`grasp validate`: would a source pass? For publishers, offline."""

import json
from pathlib import Path

import typer

from flows.cli.app import app, tell
from tasks.bucket.store import Store
from tasks.contracts.reading import read_document
from tasks.contracts.target import Target
from tasks.journal.targets import read_target
from tasks.settings import StoreSettings, load_settings


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

    failed = 0
    for check in checks(file, manifest, _target(target)):
        failed += check.problem is not None
        tell(f"{'FAIL' if check.problem else 'ok  '}  {check.what}")
        if check.problem:
            tell(f"      {check.problem}")
    if failed:
        raise typer.Exit(1)
    tell("this source would be taken in")


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
