"""`grasp validate`: would a source pass? For publishers, offline."""

from pathlib import Path

import typer

from flows.cli.app import app, out
from tasks.contracts.reading import read_document
from tasks.contracts.target import Target
from tasks.settings import StoreSettings, load_settings
from tasks.store import Store
from tasks.targets import read_target


@app.command()
def validate(
    file: Path = typer.Argument(help="Weights, a safetensors file.", exists=True, dir_okay=False),
    manifest: Path = typer.Argument(help="Its manifest, a JSON file.", exists=True, dir_okay=False),
    target: str = typer.Option(
        ..., "--target", help="A target's document on this machine, or its name in the bucket."
    ),
) -> None:
    """Run every check that an arrival goes through; nothing is sent.

    Example: [bold]grasp validate 2014.safetensors manifest.json --target target.json[/]
    """
    from tasks.validate import validate as checks

    failed = 0
    for check in checks(file, manifest, _target(target)):
        failed += check.problem is not None
        out.print(f"{'FAIL' if check.problem else 'ok  '}  {check.what}", markup=False)
        if check.problem:
            out.print(f"      {check.problem}", markup=False, soft_wrap=True)
    if failed:
        raise typer.Exit(1)
    out.print("this source would be taken in", markup=False)


def _target(which: str) -> Target:
    path = Path(which)
    if path.is_file():
        return read_document(Target, path.read_bytes(), name=which)
    return read_target(Store.from_settings(load_settings(StoreSettings)), which)
