"""`grasp publish`: put a source where targets find it."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from flows.cli.app import app, out, tell
from flows.cli.sources.given import given_input, given_metric
from tasks.bucket.store import Store
from tasks.contracts import keys
from tasks.contracts.base import Architecture, ModelSignature
from tasks.contracts.manifest import Manifest
from tasks.errors import BadArrival, InvalidCheckpoint, InvalidDocument
from tasks.extras import can_absorb, need_absorb
from tasks.journal.targets import read_target
from tasks.publishing.account import account
from tasks.publishing.audience import untaken
from tasks.publishing.checking import check_network, check_weights
from tasks.publishing.classes import classes_in, classes_of
from tasks.publishing.describe import Place, describe, signature_of, usual_input
from tasks.publishing.publish import Published, is_taken
from tasks.publishing.publish import publish as publish_source
from tasks.settings import StoreSettings, load_settings
from tasks.weights.header import read_tensors
from tasks.weights.kinds import is_checkpoint

SERIES = typer.Option(..., "--series", help="The stream of sources that this one belongs to.")
PERIOD = typer.Option(..., "--period", help="Label of the period, such as 2014 or 1950s.")
START = typer.Option(..., "--start", help="First day of the period, such as 2014-01-01.")
END = typer.Option(..., "--end", help="Last day of the period.")
REV = typer.Option(1, "--rev", help="Revision: raise it to correct a published source.")
PUBLISHER = typer.Option("", "--publisher", help="Who publishes.")
LICENSE = typer.Option("", "--license", help="Such as cc-by-4.0; goes into the file, and on model cards.")


@app.command()
def publish(
    file: Path = typer.Argument(
        help="Weights: safetensors, a torch.save'd state dict, or a Lightning checkpoint.",
        exists=True,
        dir_okay=False,
    ),
    series: str = SERIES,
    period: str = PERIOD,
    start: str = START,
    end: str = END,
    rev: int = REV,
    architecture: str = typer.Option("", "--architecture", help="For example torchvision/resnet50."),
    classes: str = typer.Option(
        "", "--classes", help='In the order of the outputs: a, b, "c, with a comma".', metavar="NAMES"
    ),
    classes_file: Path = typer.Option(
        None, "--classes-file", help="Or from a file: a JSON list, or a name per line.", exists=True
    ),
    size: str = typer.Option("", "--size", help="Input as HEIGHTxWIDTHxCHANNELS; usual: 224x224x3."),
    mean: str = typer.Option("", "--mean", help="Mean per channel of x/255; usual: ImageNet's."),
    std: str = typer.Option("", "--std", help="Standard deviation per channel; usual: ImageNet's."),
    target: str = typer.Option("", "--target", help="Or take all of these from this target."),
    prefix: str = typer.Option(None, "--prefix", help="Of the model's names in the file, such as model."),
    state_dict: str = typer.Option(
        None, "--state-dict", help="Which of several in a checkpoint, such as state_dict_ema."
    ),
    metric: list[str] = typer.Option([], "--metric", help="Such as val_accuracy=0.93; repeat for several."),
    publisher: str = PUBLISHER,
    license_: str = LICENSE,
) -> None:
    """Publish a source: checked here, blob first, manifest last, then a notice.

    Example: [bold]grasp publish 2014.safetensors --series digits --period 2014 --start 2014-01-01
    --end 2014-12-31 --architecture grasp/digits-cnn --classes 0,1,2,3,4,5,6,7,8,9[/]
    """
    store = Store.from_settings(load_settings(StoreSettings))
    named = bool(classes or classes_file)
    if target and (architecture or named or size or mean or std):
        raise typer.BadParameter("--target brings architecture, classes and input; say it or those, not both")
    if classes and classes_file:
        raise typer.BadParameter("say one of --classes and --classes-file")
    if target:
        signature: ModelSignature = read_target(store, target)
    elif architecture and named:
        spec = given_input(size, mean, std, usual_input(architecture))
        names = classes_of(classes_file) if classes_file else classes_in(classes)
        signature = signature_of(architecture, names, spec)
    else:
        raise typer.BadParameter("say --architecture and --classes or --classes-file, or --target")
    place = Place(series=series, period=period, start=start, end=end, rev=rev)
    metrics = dict(map(given_metric, metric))
    _need_format(file)
    if unchecked := check_network(signature):
        tell(unchecked)
    asked: dict[str, str | None] = {"prefix": prefix, "nest": state_dict}
    with _checked(file, signature.architecture, asked) as sound, licensed(sound, license_) as weights:
        manifest = describe(weights, signature, place=place, publisher=publisher, metrics=metrics)
        warn_untaken(store, signature, place)
        say(send(store, weights, manifest))


def warn_untaken(store: Store, source: ModelSignature, place: Place) -> None:
    """Warn, before anything is used up, when no target would take a source, and why none would."""
    warnings = untaken(store, source, series=place.series)
    for line in warnings:
        tell(f"warning: {line}")
    if warnings:
        tell(f"warning: no target takes this source; it is published all the same, under rev {place.rev}")


def warn_taken(store: Store, place: Place) -> None:
    """Warn, before a training, when its place holds a source: only the same one could be published there."""
    key = keys.manifest_key(place.series, place.period, place.rev)
    if is_taken(store, key):
        tell(
            f"warning: {key} is there already; if what is trained now is another source, it is refused at "
            f"the end; --rev {place.rev + 1} publishes it as a correction"
        )


def send(store: Store, file: Path, manifest: Manifest) -> Published:
    """Publish with a bar for the bytes."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=out, transient=True) as progress:
        bar = progress.add_task("uploading", total=manifest.weights.size_bytes)
        return publish_source(
            store, file, manifest=manifest, progress=lambda sent: progress.advance(bar, sent)
        )


def say(published: Published) -> None:
    """Tell what became of it."""
    what = "published" if published.new else "was published before, the same in content"
    tell(f"{published.key} {what}; arrival {published.arrival_id[:12]}")


@contextmanager
def licensed(weights: Path, said: str) -> Iterator[Path]:
    """Give the file itself, or a copy that states a licence, in a directory that goes."""
    if not said:
        yield weights
        return
    from tasks.weights.licensing import state_license

    with tempfile.TemporaryDirectory(prefix="grasp-publish-") as scratch:
        copy = Path(scratch) / "licensed.safetensors"
        state_license(weights, copy, said)
        yield copy


@contextmanager
def _checked(file: Path, architecture: Architecture, asked: Mapping[str, str | None]) -> Iterator[Path]:
    """Give a file that passes the checks; what is no such file is converted, into a directory that goes."""
    if not any(value is not None for value in asked.values()) and _is_ready(file, architecture):
        _check(file, architecture, file)
        yield file
        return
    need_absorb(f"converting {file}")
    from tasks.weights.convert import convert

    with tempfile.TemporaryDirectory(prefix="grasp-publish-") as scratch:
        weights = Path(scratch) / "weights.safetensors"
        for line in account(file, convert(file, weights, architecture, **asked)):
            tell(line)
        _check(weights, architecture, file)
        yield weights


def _need_format(file: Path) -> None:
    """Look at the header before torch is loaded, which takes seconds. Raises InvalidCheckpoint."""
    if is_checkpoint(file):
        return
    try:
        read_tensors(file, object=str(file))
    except BadArrival as error:
        raise InvalidCheckpoint(
            f"{file}: found {error.found}, needs {error.needed}; nothing was published"
        ) from error


def _check(weights: Path, architecture: Architecture, file: Path) -> None:
    try:
        unchecked = check_weights(weights, architecture, object=str(file))
    except BadArrival as error:
        raise InvalidDocument(
            f"{file}: found {error.found}; needed {error.needed}; nothing was published"
        ) from error
    if unchecked:
        tell(f"{file}: {unchecked}")


def _is_ready(file: Path, architecture: Architecture) -> bool:
    """Say whether a file can be sent as it is; without torch its tensors are not compared, so it can."""
    if is_checkpoint(file):
        return False
    if not can_absorb():
        return True
    from tasks.weights.convert import fits_as_it_is

    return fits_as_it_is(file, architecture)
