"""`grasp explain` and `grasp requeue`: one arrival, why it is where it is, and another try."""

from datetime import timedelta

import typer

from flows.cli.app import app, out
from tasks.errors import NotThere
from tasks.explain import Explanation
from tasks.explain import explain as explain_arrival
from tasks.find import find_arrival
from tasks.identity import signed
from tasks.journal import Journal
from tasks.requeue import requeue as requeue_arrival
from tasks.settings import WatchSettings, load_settings
from tasks.store import Store
from tasks.targets import read_target, target_names

WHICH = "Its id (six characters or more), its manifest's key, or series/period/rev."


@app.command()
def explain(
    arrival: str = typer.Argument(help=WHICH),
    target: str = typer.Option("", "--target", help="As this target sees it; as all do without it."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON for programs."),
) -> None:
    """Tell why an arrival was absorbed, refused or waits; its attempts, and when it is tried again.

    Example: [bold]grasp explain digits/2014/1[/]
    """
    settings = load_settings(WatchSettings)
    store = Store.from_settings(settings)
    limit = timedelta(hours=settings.pending_limit_h)
    found = [
        explain_arrival(store, read_target(store, name), journal, arrival_id, pending_limit=limit)
        for name, journal, arrival_id in _known(store, arrival, target, "grasp explain")
    ]
    for item in found:
        typer.echo(item.model_dump_json(indent=1)) if as_json else _print(item)


@app.command()
def requeue(
    arrival: str = typer.Argument(help=WHICH),
    target: str = typer.Option(
        "", "--target", help="Name of the target; all that know the arrival without it."
    ),
    reason: str = typer.Option("requeued by hand", "--reason", help="Why; kept in the journal."),
) -> None:
    """Try a quarantined or parked arrival again, or at once one that waits between two attempts.

    Example: [bold]grasp requeue digits/2014/1 --target digits-now --reason "blob uploaded now"[/]
    """
    store = Store.from_settings(load_settings(WatchSettings))
    for name, journal, arrival_id in _known(store, arrival, target, "grasp requeue"):
        requeue_arrival(journal, arrival_id, reason=reason)
        out.print(f"arrival {arrival_id[:12]} is open again for target {name}; the next watch looks at it")


def _known(store: Store, which: str, target: str, by: str) -> list[tuple[str, Journal, str]]:
    names = [target] if target else target_names(store)
    found = []
    for name in names:
        read_target(store, name)
        journal = Journal(store, name, by=signed(by))
        arrival = find_arrival(which, journal.state())
        if arrival:
            found.append((name, journal, arrival))
    if not found:
        raise NotThere(
            f"{which}: no journal of {', '.join(names) or 'any target'} in bucket {store.bucket} knows it; "
            "has the watch run since it was published?"
        )
    return found


def _print(item: Explanation) -> None:
    out.print(f"\n[bold]{item.target}[/]: arrival {item.arrival_id[:12]}, {item.key}")
    for event in item.events:
        out.print(f"  {event.at:%Y-%m-%d %H:%M:%S}  {event.what}", markup=False)
        out.print(f"  {'':19}  entry {event.seq}, {event.by}", markup=False, style="dim")
    until = f"; changes by itself at {item.until:%Y-%m-%d %H:%M:%S} UTC" if item.until else ""
    attempts = f" (attempts so far: {item.attempts})" if item.attempts else ""
    out.print(f"  now: {item.now}{attempts}{until}", markup=False)
