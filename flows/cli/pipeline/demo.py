"""`grasp demo`: the whole pipeline on this machine, on real images."""

from pathlib import Path

import typer

from flows.cli.app import app
from tasks.extras import need_demo


@app.command()
def demo(
    keep: bool = typer.Option(False, "--keep", help="Leave both UIs up until Ctrl-C, as on a terminal."),
    directory: Path = typer.Option(Path(".demo"), "--dir", help="Where it works; emptied first."),
    seed: int = typer.Option(0, "--seed", min=0, help="Of the data and of every training."),
    stack: Path = typer.Option(
        None, "--stack", help="Play on the servers that `make stack` runs there, such as .stack."
    ),
) -> None:
    """Play the whole pipeline with real servers and images: publish, watch, absorb, promote.

    Needs nothing but this machine, takes a few minutes, leaves no process behind.

    Example: [bold]grasp demo --keep[/]
    """
    need_demo("grasp demo")
    from flows.demo.main import run

    raise typer.Exit(run(directory=directory, keep=keep, seed=seed, stack=stack))
