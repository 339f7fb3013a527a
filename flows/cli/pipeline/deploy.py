"""`grasp deploy`: everything on a Prefect server that the pipeline needs."""

from collections.abc import Mapping

import typer

from flows.cli.app import app, tell


@app.command()
def deploy(
    gpu_limit: int = typer.Option(
        None, "--gpu-limit", min=1, help="Absorbs at once on the pool gpu; an existing pool keeps its own."
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
    _tell(bootstrap(gpu_limit=gpu_limit))
    if create_bucket:
        _tell({f"bucket {create()}": "there"})
    _tell(deploy_all())
    tell("next: grasp worker cpu, and grasp worker gpu where the GPU is")


def _tell(done: Mapping[str, str]) -> None:
    for thing, what in done.items():
        tell(f"{thing}: {what}")
