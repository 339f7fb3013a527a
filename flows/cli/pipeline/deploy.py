"""`grasp deploy`: everything on a Prefect server that the pipeline needs."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

import typer

from flows.cli.app import app, tell

if TYPE_CHECKING:
    from deployments.pools import Kind


@app.command()
def deploy(
    gpu_limit: int = typer.Option(
        None, "--gpu-limit", min=1, help="Absorbs at once on the pool gpu; an existing pool keeps its own."
    ),
    gpu_pool: str = typer.Option(
        None, "--gpu-pool", help="Type of pool gpu: process, or kubernetes with our job template."
    ),
    watches: int = typer.Option(
        None,
        "--watches",
        min=1,
        max=64,
        help="Watches that share the targets; by default those there are.",
    ),
    create_bucket: bool = typer.Option(False, "--create-bucket", help="Create GRASP_BUCKET too."),
) -> None:
    """Make the Prefect server ready: pools, limits, automations, deployments.

    As often as you like, and again after every upgrade; what is right already is left alone.

    Example: [bold]grasp deploy --create-bucket[/]
    """
    from deployments.bootstrap import bootstrap
    from deployments.bootstrap import create_bucket as create
    from deployments.deploy import deploy as deploy_all
    from deployments.deploy import need_server

    need_server()
    if gpu_pool not in (None, "process", "kubernetes"):
        raise typer.BadParameter(f"{gpu_pool!r}; needs process or kubernetes")
    _tell(bootstrap(gpu_limit=gpu_limit, gpu_pool=cast("Kind | None", gpu_pool)))
    if create_bucket:
        _tell({f"bucket {create()}": "there"})
    _tell(deploy_all(watches=watches))
    tell("next: grasp worker cpu, and grasp worker gpu where the GPU is")


def _tell(done: Mapping[str, str]) -> None:
    for thing, what in done.items():
        tell(f"{thing}: {what}")
