"""`grasp serve`: answer with a target's champion, whichever that is, until stopped."""

import signal
import threading

import typer

from flows.cli.app import app, tell
from flows.cli.listen import listen
from tasks.extras import need_absorb
from tasks.settings import Settings, load_settings


@app.command()
def serve(
    target: str = typer.Argument(help="Name of the target."),
    host: str = typer.Option("127.0.0.1", "--host", help="Address to listen on."),
    port: int = typer.Option(8080, "--port", min=0, max=65535, help="Port to listen on; 0 takes a free one."),
    every: float = typer.Option(5, "--every", min=0.1, help="Seconds between two looks at the alias."),
) -> None:
    """Answer requests with the champion, as mlflow does; another champion takes over without a request lost.

    Example: [bold]grasp serve digits-now --port 8080[/]
    """
    need_absorb("grasp serve")
    from tasks.operations.serve.followed import Followed
    from tasks.operations.serve.server import IDLE_S, Server
    from tasks.operations.serve.tally import Tally
    from tasks.tracking.api import connect

    settings, tally, stop = load_settings(Settings), Tally(), threading.Event()
    with listen(host, port, lambda: Server((host, port), tally)) as server:
        client = connect(settings.mlflow_tracking_uri, login=settings.mlflow_login)
        server.source = followed = Followed(client, target, on_swap=tally.loaded)
        options = {"every_s": every, "on_error": tally.could_not_follow}
        following = threading.Thread(target=followed.follow, args=(stop,), kwargs=options, daemon=True)
        serving = threading.Thread(target=server.serve_forever, daemon=True)
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: stop.set())
        following.start()
        serving.start()
        where = f"http://{host}:{server.server_port}"
        tell(
            f"version {followed.served.registry_version} of {target} answers at {where}/invocations "
            f"(health: {where}/health, metrics: {where}/metrics); stop with Ctrl-C"
        )
        stop.wait()
        server.end()
    following.join(IDLE_S)  # it may be loading a version: a process that ends meanwhile may crash
    tell("stopped; every request that was under way has its answer")
