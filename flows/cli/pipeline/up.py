"""`grasp up`, `grasp down`: the whole pipeline on one machine, for real use."""

import time
from pathlib import Path

import typer

from flows.cli.app import app, tell
from tasks.extras import need_absorb

DIRECTORY = typer.Option(Path(), "--dir", help="Where .env lies, and grasp-data below it; here by default.")


@app.command()
def up(
    directory: Path = DIRECTORY,
    without: list[str] = typer.Option(
        [],
        "--without",
        help="From now on leave out worker-cpu or worker-gpu, which runs elsewhere; none: nothing.",
    ),
    status: bool = typer.Option(False, "--status", help="Only say how it stands; nothing is started."),
    systemd: bool = typer.Option(
        False, "--systemd", help="Only write a unit for systemd that starts it after a reboot, and say how."
    ),
) -> None:
    """Run the pipeline on this machine: S3, MLflow, Prefect, both workers; kept running, data kept.

    A server that .env names is used instead of one of ours. As often as you like.

    Example: [bold]grasp up[/], then [bold]grasp probe[/]
    """
    from deployments.machine.layout import make_layout
    from deployments.machine.look import lines_of

    directory = directory.absolute()
    if status:
        for line in lines_of(make_layout(directory)):
            tell(line)
    elif systemd:
        _offer_systemd(directory)
    else:
        need_absorb("grasp up")
        _up(directory, without)


@app.command()
def down(directory: Path = DIRECTORY) -> None:
    """Stop what grasp up started, within seconds; all data are kept.

    An absorb at work gives its attempt back, and is started again after the next grasp up.

    Example: [bold]grasp down[/]
    """
    from deployments.machine.background import stop
    from deployments.machine.layout import DATA, make_layout

    directory = directory.absolute()
    if not (directory / DATA).is_dir():
        tell(f"no stack in {directory}")
        return
    tell("stopped; data are kept" if stop(make_layout(directory)) else "nothing runs here")


def _up(directory: Path, without: list[str]) -> None:
    from deployments.machine.background import start
    from deployments.machine.look import addresses

    began = time.monotonic()
    layout = start(
        directory, without=without, tell=lambda line: tell(f"[{time.monotonic() - began:4.0f} s] {line}")
    )
    tell(f"up after {time.monotonic() - began:.0f} s")
    for line in addresses(layout):
        tell(line)
    tell(f"settings in {layout.dotenv}, logs in {layout.data / 'logs'}; grasp down stops it, data are kept")


def _offer_systemd(directory: Path) -> None:
    from deployments.machine.layout import make_layout
    from deployments.machine.systemd import write_unit

    path = write_unit(make_layout(directory), home=Path.home())
    tell(f"{path} written; now run")
    tell("  grasp down")
    tell(f"  systemctl --user daemon-reload && systemctl --user enable --now {path.name}")
    tell("  loginctl enable-linger   # so that it starts without a login")
    tell(f"and to be rid of it: systemctl --user disable --now {path.name} && rm {path}")
