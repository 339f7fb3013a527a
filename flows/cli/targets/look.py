"""`grasp target list | show | delete`: look at targets, and end one."""

import json

import typer
from rich.markup import escape
from rich.table import Table

from flows.cli.app import out, tell
from flows.cli.targets.each_target import look_at
from flows.cli.targets.target import target_app
from tasks.bucket.store import Store
from tasks.extras import need_absorb
from tasks.identity import signed
from tasks.journal.log import Journal
from tasks.journal.targets import read_target
from tasks.settings import Settings, StoreSettings, load_settings


@target_app.command("list")
def list_targets() -> None:
    """List all targets.

    Example: [bold]grasp target list[/]
    """
    store = Store.from_settings(load_settings(StoreSettings))
    table = Table("target", "absorbs", "network", "champion", "decided", "open", box=None)
    looked = look_at(store, "", lambda name: _row(store, name))
    for row in looked.found.values():
        table.add_row(*map(escape, row))
    if looked.found:
        out.print(table, soft_wrap=False)
    elif not looked.unreadable:
        tell(f"no targets in bucket {store.bucket}; see grasp target create --help")
    looked.warn()
    looked.end()


def _row(store: Store, name: str) -> tuple[str, ...]:
    target, state = read_target(store, name), _journal(store, name).state()
    champion = f"version {state.champion}" if state.champion else "none yet"
    counts = str(len(state.closed)), str(len(state.open))
    return (name, ", ".join(target.series), target.architecture.id, champion, *counts)


@target_app.command()
def show(name: str = typer.Argument(help="Name of the target.")) -> None:
    """Print a target's document, target.json, and where its journal stands.

    Example: [bold]grasp target show digits-now[/]
    """
    store = Store.from_settings(load_settings(StoreSettings))
    target, state = read_target(store, name), _journal(store, name).state()
    stands = {"lineage", "champion", "previous", "paused", "seq"}
    shown = {
        "target": target.model_dump(mode="json", by_alias=True, exclude_none=True),
        "journal": state.model_dump(mode="json", include=stands),
    }
    typer.echo(json.dumps(shown, indent=1))


@target_app.command()
def delete(
    name: str = typer.Argument(help="Name of the target."),
    everything: bool = typer.Option(
        False, "--everything", help="Its journal, registered model and experiment, too."
    ),
    apply: bool = typer.Option(False, "--apply", help="Do it; without it, only say what would be done."),
) -> None:
    """End a target: nothing is absorbed any more. Keeps journal and MLflow unless told, and always its data.

    Example: [bold]grasp target delete digits-now --apply[/]
    """
    need_absorb("grasp target delete")
    from tasks.operations.removal import remains_of, remove_document, remove_rest
    from tasks.tracking.api import connect

    settings = load_settings(Settings)
    store = Store.from_settings(settings)
    client = connect(settings.mlflow_tracking_uri, login=settings.mlflow_login)
    found = remains_of(store, client, name)
    there = {
        "target.json": found.document,
        f"journal, {len(found.journal)} objects": bool(found.journal) and everything,
        "registered model with all versions": found.model and everything,
        "experiment with all runs": found.experiment is not None and everything,
    }
    doomed = [what for what, goes in there.items() if goes]
    out.print(f"{'deleting' if apply else 'would delete'} of {name}: {'; '.join(doomed) or 'nothing'}")
    if not apply:
        out.print("nothing was changed; say --apply to do it")
        return
    remove_document(store, name)
    if everything:
        remove_rest(store, client, name, found)
    out.print(f"target {name} is gone; {'nothing of it is left' if everything else 'its history stays'}")


def _journal(store: Store, name: str) -> Journal:
    return Journal(store, name, by=signed("grasp target"))
