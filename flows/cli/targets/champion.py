"""`grasp champion pull`, `grasp predict`, `grasp compare`: use a target's versions."""

import json
from dataclasses import asdict
from pathlib import Path

import typer
from rich.markup import escape
from rich.table import Table

from flows.cli.app import app, out, tell
from tasks.extras import need_absorb

champion_app = typer.Typer(help="Use the champion elsewhere.", no_args_is_help=True)
app.add_typer(champion_app, name="champion")

TARGET = typer.Argument(help="Name of the target.")
VERSION = typer.Option(None, "--version", help="Registry version; the champion without it.", min=1)


@champion_app.command()
def pull(
    target: str = TARGET,
    to: Path = typer.Option(help="Directory to write into; new or empty."),
    version: int = VERSION,
) -> None:
    """Write the champion's weights, model card and documents into a directory, their digests checked.

    Example: [bold]grasp champion pull digits-now --to champion/[/]
    """
    need_absorb("grasp champion pull")
    from tasks.absorbing.work import open_work
    from tasks.operations.pull import pull as pull_version

    pulled = pull_version(open_work(target, by="grasp champion pull"), to.absolute(), version=version)
    tell(f"version {pulled.registry_version} of {target} is in {to}: {', '.join(pulled.files)}")
    tell(f"served.safetensors has SHA-256 {pulled.served_sha256}, as promoted")


@app.command()
def predict(
    target: str = TARGET,
    images: list[Path] = typer.Argument(help="Image files.", exists=True, dir_okay=False),
    version: int = VERSION,
    top: int = typer.Option(3, help="How many classes to name.", min=1),
    as_json: bool = typer.Option(False, "--json", help="One JSON object per image."),
) -> None:
    """Classify images with the champion, on this machine: classes, probabilities, and which version said so.

    Example: [bold]grasp predict digits-now photo.png[/]
    """
    need_absorb("grasp predict")
    from tasks.absorbing.work import open_work
    from tasks.operations.predict import classifier_of
    from tasks.operations.predict import predict as predict_images
    from tasks.operations.pull import chosen

    work = open_work(target, by="grasp predict")
    number = chosen(work, version)
    for predicted in predict_images(classifier_of(work, number), images, top=top):
        if as_json:
            classes = [{"class": name, "probability": chance} for name, chance in predicted.classes]
            said = {"image": str(predicted.image), "registry_version": number, "classes": classes}
            typer.echo(json.dumps(said))
        else:
            named = ", ".join(f"{name} {chance:.1%}" for name, chance in predicted.classes)
            tell(f"{predicted.image}: {named}  (version {number})")


@app.command()
def compare(
    target: str = TARGET,
    first: int = typer.Argument(help="Registry version.", min=1),
    second: int = typer.Argument(help="Registry version that is held against it.", min=1),
    as_json: bool = typer.Option(False, "--json", help="For programs."),
) -> None:
    """Compare two versions on the target's data: accuracy, McNemar's test, classes, sources in between.

    Example: [bold]grasp compare digits-now 4 7[/]
    """
    need_absorb("grasp compare")
    from tasks.absorbing.work import open_work
    from tasks.operations.compare import compare as compare_versions

    found = compare_versions(open_work(target, by="grasp compare"), first, second)
    if as_json:
        typer.echo(json.dumps(asdict(found)))
        return
    table = Table("version", "gate", "test", "sources that the other lacks", box=None)
    for side in (found.first, found.second):
        sources = ", ".join(side.sources) or "none"
        table.add_row(
            str(side.registry_version),
            f"{side.gate_accuracy:.1%}",
            f"{side.test_accuracy:.1%}",
            escape(sources),
        )
    out.print(table, soft_wrap=False)
    tell(
        f"of {found.gate_samples} gate samples version {second} gains {found.gained} and loses {found.lost}; "
        f"exact McNemar: p {found.p_better:.3g} for better, p {found.p_worse:.3g} for worse"
    )
    changed = [each for each in found.classes if each.first != each.second]
    if changed:
        changes = Table("class", "samples", f"version {first}", f"version {second}", box=None)
        for each in sorted(changed, key=lambda each: each.second - each.first):
            changes.add_row(escape(each.name), str(each.samples), f"{each.first:.1%}", f"{each.second:.1%}")
        out.print(changes, soft_wrap=False)
