"""`grasp watch --once`: one look at every target, as the scheduled watch does it."""

import typer

from flows.cli.app import app
from tasks.settings import WatchSettings, load_settings


@app.command()
def watch(
    once: bool = typer.Option(False, "--once", help="Look once and end; the schedule does the rest."),
) -> None:
    """Notice new sources and start absorbs, once.

    Example: [bold]grasp watch --once[/]
    """
    if not once:
        raise typer.BadParameter("say --once; the deployment watch/watch looks every 30 seconds by itself")
    load_settings(WatchSettings)  # what is missing is one line here, not a failed flow run
    from tasks.orchestration.flow_runs import need_server

    need_server()
    from flows.cli.by_hand import say_what_is_done
    from flows.watch import watch as flow

    say_what_is_done()

    flow()
