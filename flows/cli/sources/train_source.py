"""`grasp train-source`: train a source on the images of its period, and publish it."""

import shutil
from pathlib import Path

import typer

from flows.cli.app import app, out
from flows.cli.sources.dataset import tell_account
from flows.cli.sources.given import given_input
from flows.cli.sources.publish import (
    END,
    LICENSE,
    PERIOD,
    PUBLISHER,
    REV,
    SERIES,
    START,
    licensed,
    say,
    send,
    warn_taken,
    warn_untaken,
)
from flows.cli.sources.start import start_at
from flows.cli.sources.target_of import target_of
from tasks.bucket.store import Store
from tasks.contracts.target import Target
from tasks.errors import InvalidDocument
from tasks.extras import need_absorb
from tasks.private import private_directory
from tasks.publishing.describe import Place, check_place, describe, signature_of, usual_input
from tasks.settings import StoreSettings, load_settings


@app.command("train-source")
def train_source(
    series: str = SERIES,
    period: str = PERIOD,
    start: str = START,
    end: str = END,
    rev: int = REV,
    publisher: str = PUBLISHER,
    license_: str = LICENSE,
    images: Path = typer.Option(
        None,
        "--images",
        help="One subfolder per class, or train, val, test with those.",
        exists=True,
        file_okay=False,
    ),
    digits: str = typer.Option("", "--digits", help="Drifting digits instead: K/N, period K of N."),
    architecture: str = typer.Option(
        "", "--architecture", help="Such as torchvision/resnet50; grasp/digits-cnn without it."
    ),
    epochs: int = typer.Option(15, "--epochs", min=3, help="Of which two warm up."),
    lr: float = typer.Option(3e-4, "--lr", min=1e-9, help="Learning rate; the head learns at ten times it."),
    seed: int = typer.Option(
        0, "--seed", min=0, help="The same seed and data give the same weights on a CPU."
    ),
    val: float = typer.Option(
        0.1, "--val", min=0.01, max=0.5, help="Share of --images to choose the epoch by."
    ),
    target: str = typer.Option(
        "", "--target", help="Take network, classes and input from this target: its name, or its document."
    ),
    from_: str = typer.Option(
        "", "--from", help="TARGET@champion or TARGET@VERSION: go on from its weights, for this target."
    ),
    size: str = typer.Option("", "--size", help="Input as HEIGHTxWIDTHxCHANNELS; usual: 224x224x3."),
    mean: str = typer.Option("", "--mean", help="Mean per channel of x/255; usual: ImageNet's."),
    std: str = typer.Option("", "--std", help="Standard deviation per channel; usual: ImageNet's."),
    to: Path = typer.Option(None, "--to", help="Write weights and manifest into this folder, send nothing."),
) -> None:
    """Train a source with the paper's recipe, then publish it.

    Example: [bold]grasp train-source --digits 2/6 --series digits --period 2011 --start 2011-01-01
    --end 2011-12-31[/]
    Going on from what is served: [bold]grasp train-source --from digits-now@champion --images photos/2012
    --series digits --period 2012 --start 2012-01-01 --end 2012-12-31[/]
    """
    need_absorb("grasp train-source")
    from grasp_core.data.digits import CLASSES as DIGITS
    from tasks.publishing.training import digits_data, folder_classes, folder_data, train
    from tasks.weights.sight import check_seen

    if (images is None) == (not digits):
        raise typer.BadParameter("say one of --images and --digits")
    if target and (digits or architecture or size or mean or std):
        raise typer.BadParameter(
            "--target brings network and input; say it or those, not both, with --images"
        )
    if from_ and (target or architecture or size or mean or std):
        raise typer.BadParameter("--from brings the target, its network and input; say it or those, not both")
    store = None if to else Store.from_settings(load_settings(StoreSettings))
    place = Place(series=series, period=period, start=start, end=end, rev=rev)
    with private_directory(to or Path.cwd()) as scratch:
        begun = start_at(from_, scratch) if from_ else None
        fits = begun.target if begun else target_of(target) if target else None
        if fits:
            _check_takes(fits, series, digits=bool(digits))
        classes = DIGITS if digits else folder_classes(images, fits)
        if begun:
            classes = begun.target.classes  # the weights that it goes on from have rows for all of them
        network = architecture or "grasp/digits-cnn"
        usual = usual_input(network)
        signature = (
            fits.needed_of(len(classes))
            if fits
            else signature_of(network, classes, given_input(size, mean, std, usual))
        )
        check_place(signature, place, publisher=publisher)  # before a folder is decoded
        check_seen(signature.architecture, signature.input)
        if store:
            warn_taken(store, place)
            if not fits:
                warn_untaken(store, signature, place)
        data = (
            digits_data(digits, seed=seed)
            if digits
            else folder_data(images, signature.input, scratch, val=val, classes=classes)
        )
        tell_account(data)
        if data.absent:
            out.print(f"no folder of {', '.join(map(ascii, data.absent))}: this source will not know them")
        if fits and (later := fits.classes[len(classes) :]):
            out.print(
                f"no folder of {', '.join(map(ascii, later))}: trained with the first {len(classes)} classes"
            )
        if begun:
            out.print(f"training starts from {begun.parent.words}")
        trained = scratch / "weights.safetensors"
        accuracy = train(
            data,
            signature,
            trained,
            epochs=epochs,
            lr=lr,
            seed=seed,
            say=out.print,
            start=begun.file if begun else None,
        )
        with licensed(trained, license_) as file:
            manifest = describe(
                file,
                signature,
                place=place,
                publisher=publisher,
                metrics={"val_accuracy": accuracy},
                parent=begun.parent if begun else None,
            )
            if store:
                say(send(store, file, manifest))
                return
            shutil.copyfile(file, to / "weights.safetensors")
    (to / "manifest.json").write_text(manifest.model_dump_json(indent=1, exclude_none=True) + "\n")
    out.print(f"wrote {to}/weights.safetensors and {to}/manifest.json; nothing was sent")


def _check_takes(target: Target, series: str, *, digits: bool) -> None:
    """Raise InvalidDocument unless a target absorbs the series and, where digits are shown, sees those."""
    if series not in target.series:
        raise InvalidDocument(
            f"target {target.name}: absorbs {', '.join(target.series)}, not {series}; nothing was trained"
        )
    from grasp_core.data.digits import CLASSES

    if digits and (target.classes != CLASSES or target.input != usual_input("grasp/digits-cnn")):
        raise InvalidDocument(
            f"target {target.name}: sees other images or classes than --digits gives; needs --images; "
            "nothing was trained"
        )
