"""`grasp absorb --target T`: absorb all that is ready, on this machine."""

import typer

from flows.cli.app import app, tell
from tasks.bucket.store import Store
from tasks.extras import need_absorb
from tasks.journal.targets import read_target
from tasks.settings import Settings, load_settings


@app.command()
def absorb(target: str = typer.Option(..., "--target", help="Name of the target.")) -> None:
    """Absorb every ready source, here and now.

    Example: [bold]grasp absorb --target digits-now[/]
    """
    need_absorb("grasp absorb")
    settings = load_settings(Settings)
    read_target(Store.from_settings(settings), target)
    from tasks.orchestration.flow_runs import need_server

    need_server()
    from prefect import tags

    from flows.absorb import absorb as flow
    from flows.cli.by_hand import say_what_is_done

    say_what_is_done()

    with tags(f"target:{target}"):  # as on the runs that the watch starts
        state = flow(target, return_state=True)
    tell(f"absorb: {state.name}. {state.message or ''}".strip())
    if not state.is_completed():
        raise typer.Exit(1)
