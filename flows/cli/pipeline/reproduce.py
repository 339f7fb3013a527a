"""`grasp reproduce`: the paper's table, with the controls it lacks, from data on disk or from digits."""

from pathlib import Path
from typing import Literal

import typer

from flows.cli.app import app, tell
from flows.cli.pipeline.studies import architectures_of, log_of, peers_of
from flows.cli.sources.layouts import Labels
from tasks.extras import need_absorb

Dataset = Literal["yearbook", "clear10", "clear100", "emoji", "digits"]
Start = Literal["auto", "pretrained", "random"]


@app.command()
def reproduce(
    dataset: Dataset = typer.Argument(help="digits needs no data; the others lie on disk, see --data."),
    data: Path = typer.Option(
        None,
        "--data",
        help="The data set as its authors lay it out; read once, then --out has it.",
        exists=True,
        file_okay=False,
    ),
    to: Path = typer.Option(
        None, "--out", help="Where all of it goes; reproduction/DATASET without it. Said again, it goes on."
    ),
    architecture: list[str] = typer.Option(
        [],
        "--architecture",
        help="Such as torchvision/resnet50, again for more; the paper's four without.",
    ),
    seeds: int = typer.Option(3, "--seeds", min=1, help="How many; more may be asked for later."),
    first_seed: int = typer.Option(0, "--first-seed", min=0, help="The first of them."),
    peers: list[str] = typer.Option(
        [], "--peers", help="Only these, with commas or again; all peers and controls without it."
    ),
    budget: int = typer.Option(
        None, "--budget", min=0, help="Labels of the target, a quarter of them for val; 0: all."
    ),
    size: int = typer.Option(None, "--size", min=8, help="Side of the square that a model sees, in pixels."),
    labels: Labels = typer.Option("decade", "--labels", help="What a portrait of yearbook is told by."),
    target_period: str = typer.Option("", "--target-period", help="The target's; the last without it."),
    epochs: int = typer.Option(None, "--epochs", min=1, help="Of the fine-tune after each source."),
    lr: float = typer.Option(None, "--lr", min=1e-9, help="Learning rate of that."),
    source_epochs: int = typer.Option(None, "--source-epochs", min=1, help="Of a source's training."),
    source_lr: float = typer.Option(None, "--source-lr", min=1e-9, help="Learning rate of that."),
    start: Start = typer.Option(
        "auto", "--start", help="Weights that sources start from; auto: pretrained where they can be had."
    ),
    device: str = typer.Option(
        "auto", "--device", envvar="GRASP_DEVICE", help="auto, cpu, cuda or such as cuda:1."
    ),
    mlflow: bool = typer.Option(
        True, "--mlflow/--no-mlflow", help="Log to MLFLOW_TRACKING_URI, where it is set."
    ),
) -> None:
    """Reproduce the paper's table: sources of all periods, absorbed in order, beside peers and controls.

    Stopped at any point, the same command goes on where it was.

    Example: [bold]grasp reproduce digits --seeds 3[/]
    or [bold]grasp reproduce yearbook --data yearbook/ --architecture timm/mobilevit_xxs[/]
    """
    need_absorb("grasp reproduce")
    import torch

    from tasks.candidates.device import device_of
    from tasks.reproduction.place import Place
    from tasks.reproduction.results.report import write_report
    from tasks.reproduction.run import Work
    from tasks.reproduction.run import reproduce as work_through
    from tasks.reproduction.study import Scope, Study, settle
    from tasks.reproduction.worlds.usual import USUAL, make_world, spec_of

    if (size or target_period) and dataset in ("digits", "emoji"):
        raise typer.BadParameter(f"--size and --target-period are for photographs, not for {dataset}")
    usual = USUAL[dataset]
    study = Study(
        dataset=dataset,
        size=size or usual.size,
        labels=labels if dataset == "yearbook" else "",
        target_period=target_period,
        budget=usual.budget if budget is None else budget,
        epochs=epochs or usual.epochs,
        lr=lr or usual.lr,
        source_epochs=source_epochs or usual.source_epochs,
        source_lr=source_lr or usual.source_lr,
        start=start,
    )
    scope = Scope(
        architectures=architectures_of(architecture, usual.architectures, spec_of(study)),
        seeds=tuple(range(first_seed, first_seed + seeds)),
        peers=peers_of(peers),
    )
    if usual.threads:
        torch.set_num_threads(usual.threads)
    computes_on, place = device_of(device), Place(to or Path("reproduction") / dataset)
    settle(study, place.out)
    with place.alone():
        world = make_world(study, data, place, tell)
        failed = work_through(
            Work(
                study=study,
                scope=scope,
                world=world,
                place=place,
                device=computes_on,
                say=tell,
                settled=lambda: tell(f"written: {write_report(study, world, place)}"),
                measured=log_of(study, world, place, wanted=mlflow),
            )
        )
    if failed:
        tell(f"{failed} steps failed; the same command tries them again")
        raise typer.Exit(1)
