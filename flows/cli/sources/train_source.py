"""`grasp train-source`: train a source on the images of its period, and publish it."""

import shutil
from pathlib import Path

import typer

from flows.cli.app import app, out
from flows.cli.sources.dataset import tell_account
from flows.cli.sources.publish import END, LICENSE, PERIOD, PUBLISHER, REV, SERIES, START, licensed, say, send
from tasks.bucket.store import Store
from tasks.extras import need_absorb
from tasks.private import private_directory
from tasks.publishing.describe import Place, describe, signature_of, usual_input
from tasks.settings import StoreSettings, load_settings

ANY = ("one", "other")  # classes; which ones the data will tell


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
        "grasp/digits-cnn", "--architecture", help="Such as torchvision/resnet50."
    ),
    epochs: int = typer.Option(15, "--epochs", min=3, help="Of which two warm up."),
    lr: float = typer.Option(3e-4, "--lr", min=1e-9, help="Learning rate; the head learns at ten times it."),
    seed: int = typer.Option(
        0, "--seed", min=0, help="The same seed and data give the same weights on a CPU."
    ),
    val: float = typer.Option(
        0.1, "--val", min=0.01, max=0.5, help="Share of --images to choose the epoch by."
    ),
    to: Path = typer.Option(None, "--to", help="Write weights and manifest into this folder, send nothing."),
) -> None:
    """Train a source with the paper's recipe, then publish it.

    Example: [bold]grasp train-source --digits 2/6 --series digits --period 2011 --start 2011-01-01
    --end 2011-12-31[/]
    """
    need_absorb("grasp train-source")
    from tasks.publishing.training import digits_data, folder_data, train
    from tasks.weights.sight import check_seen

    if (images is None) == (not digits):
        raise typer.BadParameter("say one of --images and --digits")
    spec = usual_input(architecture)
    check_seen(signature_of(architecture, ANY, spec).architecture, spec)  # before a folder is decoded
    store = None if to else Store.from_settings(load_settings(StoreSettings))
    place = Place(series=series, period=period, start=start, end=end, rev=rev)
    with private_directory(to or Path.cwd()) as scratch:
        data = digits_data(digits, seed=seed) if digits else folder_data(images, spec, scratch, val=val)
        tell_account(data)
        signature = signature_of(architecture, data.classes, spec)
        trained = scratch / "weights.safetensors"
        accuracy = train(data, signature, trained, epochs=epochs, lr=lr, seed=seed, say=out.print)
        metrics = {"val_accuracy": accuracy}
        with licensed(trained, license_) as file:
            manifest = describe(file, signature, place=place, publisher=publisher, metrics=metrics)
            if store:
                say(send(store, file, manifest))
                return
            shutil.copyfile(file, to / "weights.safetensors")
    (to / "manifest.json").write_text(manifest.model_dump_json(indent=1, exclude_none=True) + "\n")
    out.print(f"wrote {to}/weights.safetensors and {to}/manifest.json; nothing was sent", soft_wrap=True)
