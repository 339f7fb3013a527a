"""`grasp validate`: would a source pass? For publishers, offline."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from flows.cli.app import app, tell
from flows.cli.sources.target_of import target_of

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
    for check in checks(file, manifest, target_of(target)):
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
