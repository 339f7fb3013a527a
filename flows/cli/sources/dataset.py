"""`grasp dataset`: a target's data, from a folder of images to the bucket."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from pydantic import ValidationError

from flows.cli.app import app, out, tell
from flows.cli.sources.layouts import Labels, Layout, prepare_by_time
from flows.cli.sources.target_of import target_of
from tasks.bucket.store import Store
from tasks.contracts.base import InputSpec
from tasks.contracts.target import Target
from tasks.errors import InvalidDocument, OperationRefused
from tasks.problems import first_problem
from tasks.settings import StoreSettings, load_settings

if TYPE_CHECKING:  # it brings numpy, which the other commands do without
    from tasks.data.folder import Preparation
    from tasks.publishing.training import SourceData

IMAGENET = ("0.485,0.456,0.406", "0.229,0.224,0.225")
SHOWN = 20  # skipped files that are named one by one

dataset_app = typer.Typer(
    help="Prepare and publish a target's data.", no_args_is_help=True, rich_markup_mode="rich"
)
app.add_typer(dataset_app, name="dataset")


@dataset_app.command()
def prepare(
    folder: Path = typer.Argument(
        help="One subfolder per class, or train, val, test with those.", exists=True
    ),
    to: Path = typer.Option(..., "--to", help="Where to write the four splits."),
    name: str = typer.Option(..., "--name", help="Name of the data set: a-z, 0-9, _ and -."),
    size: int = typer.Option(224, "--size", min=1, help="Side of the square that a model sees, in pixels."),
    channels: int = typer.Option(3, "--channels", help="3 for colour, 1 for grey."),
    mean: str = typer.Option(IMAGENET[0], "--mean", help="Mean per channel of x/255."),
    std: str = typer.Option(IMAGENET[1], "--std", help="Standard deviation per channel of x/255."),
    val: float = typer.Option(
        0.1, "--val", min=0.01, max=0.5, help="Share for val, half of it for the gate."
    ),
    test: float = typer.Option(0.1, "--test", min=0.01, max=0.5, help="Share for test."),
    target: str = typer.Option(
        "",
        "--target",
        help="Take the input and the order of classes from this target (its name, or its document); folders "
        "of other names are new classes behind its own.",
    ),
    overwrite: bool = typer.Option(False, "--overwrite", help="Prepare anew what is in --to already."),
    layout: Layout = typer.Option(
        "folder",
        "--layout",
        help="By time: a target and a folder per source period below --to, all 80/10/10.",
    ),
    labels: Labels = typer.Option("decade", "--labels", help="What a portrait of yearbook is to be told by."),
    target_period: str = typer.Option(
        "", "--target-period", help="The period that the target is of; the last by default."
    ),
) -> None:
    """Decode a folder of images into train, val, gate and test.

    Example: [bold]grasp dataset prepare photos --to photos-prepared --name photos[/]
    or [bold]grasp dataset prepare yearbook --layout yearbook --to prepared --name yearbook[/]
    """
    from tasks.contracts.dataset import SMALL_SPLIT
    from tasks.data.folder import prepare as prepare_folder

    if channels not in (1, 3):
        raise typer.BadParameter(f"--channels {channels}: needs 1 or 3")
    if not overwrite and to.is_dir() and any(to.iterdir()):
        raise OperationRefused(
            f"{to}: is not empty; name another folder or add --overwrite; nothing was done"
        )
    given = _spec(size, channels, mean, std)
    fits = _target(target, given, layout) if target else None
    spec = fits.input if fits else given
    if layout != "folder":
        made = prepare_by_time(
            folder, to, layout=layout, labels=labels, target_period=target_period, name=name, spec=spec
        )
        _tell_some([f"skipped {each.reason}" for each in made.skipped])
        counts = ", ".join(f"{split} {count}" for split, count in made.splits.items())
        tell(f"{to}/target, period {made.target.label}: {counts}; {len(made.skipped)} skipped")
        tell(f"next: grasp dataset publish {to}/target")
        return
    first = fits.classes if fits else ()
    prepared = prepare_folder(folder, to, name=name, spec=spec, val=val, test=test, first=first)
    tell_account(prepared)
    counts = ", ".join(f"{split} {count}" for split, count in prepared.samples.items())
    seen = f"{spec.height} x {spec.width} pixels, {spec.channels} channels, {len(prepared.classes)} classes"
    tell(f"{to}: {counts}; {seen}; {len(prepared.skipped)} skipped, {len(prepared.remarks)} kept with a word")
    if prepared.samples["gate"] < SMALL_SPLIT:
        tell(
            f"warning: the gate has {prepared.samples['gate']} samples, under {SMALL_SPLIT} its verdicts "
            "say little; more images or a greater --val help"
        )
    tell(f"next: grasp dataset publish {to}")


@dataset_app.command()
def publish(
    folder: Path = typer.Argument(help="What `grasp dataset prepare` wrote.", exists=True, file_okay=False),
) -> None:
    """Publish prepared data; prints the key that `grasp target create --dataset` takes.

    Example: [bold]grasp dataset publish prepared/[/]
    """
    from tasks.data.folder import publish_prepared

    out.print(publish_prepared(Store.from_settings(load_settings(StoreSettings)), folder))


def tell_account(made: "Preparation | SourceData") -> None:
    """Name the first files that were left out or read in a special way, and classes that a split lacks."""
    _tell_some([f"skipped {each.reason}" for each in made.skipped])
    _tell_some([f"kept {remark}" for remark in made.remarks])
    _tell_some([f"warning: {line}" for line in made.thin])
    if made.thin:
        tell(f"warning: some splits have no image of {len(made.thin)} classes; {made.cure}")


def _tell_some(lines: "Sequence[str]") -> None:
    """Tell the first lines, and count the others."""
    for line in lines[:SHOWN]:
        tell(line)
    if len(lines) > SHOWN:
        tell(f"and {len(lines) - SHOWN} more")


def _target(which: str, given: InputSpec, layout: Layout) -> Target:
    if layout != "folder" or given != _spec(224, 3, *IMAGENET):
        raise typer.BadParameter("--target brings the input; say it or --size, --channels, --mean, --std")
    return target_of(which)


def _spec(size: int, channels: int, mean: str, std: str) -> InputSpec:
    try:
        return InputSpec(
            height=size,
            width=size,
            channels=channels,
            mean=_numbers(mean)[:channels],
            std=_numbers(std)[:channels],
        )
    except ValidationError as error:
        raise InvalidDocument(f"input: {first_problem(error)}; nothing was prepared") from error


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise typer.BadParameter(f"{text!r}: needs numbers with commas between") from error
