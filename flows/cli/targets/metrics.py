"""`grasp metrics`: what Prometheus wants to know, once or at an address."""

import signal
import threading
from datetime import timedelta

import typer

from flows.cli.app import app, tell
from flows.cli.listen import listen
from tasks.bucket.store import Store
from tasks.settings import WatchSettings, load_settings


@app.command()
def metrics(
    port: int = typer.Option(None, "--port", min=0, max=65535, help="Serve at this port; 0: a free one."),
    host: str = typer.Option("127.0.0.1", "--host", help="Address to listen on, with --port."),
    every: float = typer.Option(30, "--every", min=1, help="Seconds between two looks, with --port."),
) -> None:
    """Tell Prometheus of open arrivals, decisions, absorbs, champions and the watch, from the journals.

    Example: [bold]grasp metrics --port 9464[/]
    """
    from tasks.operations.metrics.exposition import text_of
    from tasks.operations.metrics.look import Observer

    settings = load_settings(WatchSettings)
    limit = timedelta(hours=settings.pending_limit_h)
    observer = Observer(Store.from_settings(settings), pending_limit=limit)
    if port is None:
        typer.echo(text_of(observer.look()), nl=False)
        return
    from tasks.operations.metrics.endpoint import Endpoint

    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    with listen(host, port, lambda: Endpoint(observer, host=host, port=port)) as endpoint:
        tell(f"metrics at {endpoint.address}, looked at every {every:g} s; stop with Ctrl-C")
        endpoint.follow(stop, every_s=every)
    tell("stopped")
