"""`grasp status`: targets, champions, what is open and what was decided, with reasons."""

import json
from datetime import timedelta

import typer
from rich.markup import escape
from rich.table import Table

from flows.cli.app import app, out
from tasks.identity import signed
from tasks.journal import Journal
from tasks.pages import model_page
from tasks.settings import Settings, load_settings
from tasks.status import TargetStatus, status_of, strays
from tasks.store import Store
from tasks.targets import read_target, target_names


@app.command()
def status(
    target: str = typer.Argument("", help="One target; all without it."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON for programs."),
    last: int = typer.Option(20, "--last", min=1, help="How many decisions to show."),
    show_strays: bool = typer.Option(False, "--strays", help="List keys outside the contract."),
) -> None:
    """Show targets, their champion, open arrivals and decisions.

    Example: [bold]grasp status digits-now[/]
    """
    settings = load_settings(Settings)
    store = Store.from_settings(settings)
    limit = timedelta(hours=settings.pending_limit_h)
    found = [
        status_of(
            store,
            read_target(store, name),
            Journal(store, name, by=signed("grasp status")),
            pending_limit=limit,
            last=last,
        )
        for name in ([target] if target else target_names(store))
    ]
    lost = strays(store) if show_strays else []
    if as_json:
        shown = {"targets": [item.model_dump(mode="json") for item in found], "strays": lost}
        typer.echo(json.dumps(shown, indent=1))
        return
    for item in found:
        _print(item, settings.mlflow_tracking_uri)
    if not found:
        out.print(f"no targets in bucket {store.bucket}; create one with: grasp target create --help")
    for key in lost:
        out.print(f"stray: {key}")


def _print(item: TargetStatus, mlflow: str) -> None:
    champion = f"version {item.champion}" if item.champion else "none yet"
    if item.champion_gate_accuracy is not None:
        champion += f", gate accuracy {item.champion_gate_accuracy:.4f}"
    if item.rolled_back_from:
        champion += f" (rolled back from version {item.rolled_back_from}; later arrivals build on it)"
    paused = escape(" [paused]") if item.paused else ""
    out.print(f"\n[bold]{item.name}[/]{paused}: champion {champion}, lineage {item.lineage}", style=None)
    if item.champion:
        out.print(f"in MLflow: {model_page(mlflow, item.name)}", soft_wrap=True)
    if item.open:
        table = Table("open arrival", "why", "changes at", box=None)
        for arrival in item.open:
            until = f"{arrival.until:%Y-%m-%d %H:%M:%S}" if arrival.until else ""
            table.add_row(*map(escape, (arrival.key, arrival.why, until)))
        out.print(table)
    if item.decided:
        columns = ("decided arrival", "decision", "reason", "version", "test", "found", "needed")
        table = Table(*columns, box=None)
        for done in item.decided:
            version, test = str(done.registry_version or ""), done.figures.get("test_accuracy")
            accuracy = "" if test is None else f"{test:.4f}"
            row = (done.key, done.decision, done.code, version, accuracy, done.found, done.needed)
            table.add_row(*map(escape, row))
        out.print(table)
    if item.decided_count > len(item.decided):
        out.print(f"{item.decided_count - len(item.decided)} earlier decisions; show more with --last")
