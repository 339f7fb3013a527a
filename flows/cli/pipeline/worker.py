"""`grasp worker POOL`: do the flow runs of a pool on this machine."""

import typer

from flows.cli.app import app
from tasks.extras import need_absorb

LIGHT = "cpu"  # the pool whose flow runs need no torch


@app.command()
def worker(
    pool: str = typer.Argument(help="cpu (the watch) or gpu (absorbs, rebuilds)."),
    device: str = typer.Option(
        None, "--device", help="The GPU that this worker sees, such as 0; it takes one run at a time."
    ),
) -> None:
    """Work for a pool: cpu runs the watch, gpu absorbs.

    Runs until it is stopped. Settings come from the environment or from .env, and flow runs get them.

    Example: [bold]grasp worker cpu[/], [bold]grasp worker gpu --device 0[/]
    """
    if pool != LIGHT:
        need_absorb(f"grasp worker {pool}")
    from deployments.workers import run_worker

    raise typer.Exit(run_worker(pool, device=device))
