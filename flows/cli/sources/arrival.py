"""`grasp explain` and `grasp requeue`: one arrival, why it is where it is, and another try."""

from datetime import timedelta
from typing import NamedTuple, TypeVar

import typer
from rich.markup import escape

from flows.cli.app import app, out, tell
from flows.cli.reason import reason_option
from flows.cli.targets.each_target import Looked, look_at
from tasks.arrivals.explain import Explanation
from tasks.arrivals.explain import explain as explain_arrival
from tasks.arrivals.find import find_arrival, is_published, name_of
from tasks.arrivals.requeue import requeue as requeue_arrival
from tasks.bucket.store import Store
from tasks.contracts.target import Target
from tasks.errors import NotThere
from tasks.identity import signed
from tasks.journal.log import Journal
from tasks.journal.targets import read_target
from tasks.printable import printable
from tasks.settings import WatchSettings, load_settings

T = TypeVar("T")
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

    def look(name: str) -> Explanation | None:
        known = _known(store, name, arrival, by="grasp explain")
        if known is None:
            return None
        return explain_arrival(store, known.target, known.journal, known.arrival_id, pending_limit=limit)

    for item in _somewhere(look_at(store, target, look), arrival, store):
        typer.echo(item.model_dump_json(indent=1)) if as_json else _print(item)


@app.command()
def requeue(
    arrival: str = typer.Argument(help=WHICH),
    target: str = typer.Option(
        "", "--target", help="Name of the target; all that know the arrival without it."
    ),
    reason: str = reason_option("requeued by hand"),
) -> None:
    """Try a quarantined or parked arrival again, or at once one that waits between two attempts.

    Example: [bold]grasp requeue digits/2014/1 --target digits-now --reason "blob uploaded now"[/]
    """
    store = Store.from_settings(load_settings(WatchSettings))
    looked = look_at(store, target, lambda name: _known(store, name, arrival, by="grasp requeue"))
    for known in _somewhere(looked, arrival, store):
        requeue_arrival(known.journal, known.arrival_id, reason=reason)
        tell(
            f"{name_of(known.arrival_id, known.journal)} is open again for target {known.target.name}; "
            "the next watch looks at it"
        )


class _Known(NamedTuple):
    """An arrival that a target's journal knows."""

    target: Target
    journal: Journal
    arrival_id: str


def _known(store: Store, name: str, which: str, *, by: str) -> _Known | None:
    target, journal = read_target(store, name), Journal(store, name, by=signed(by))
    arrival_id = find_arrival(which, journal.state())
    return _Known(target, journal, arrival_id) if arrival_id else None


def _somewhere(looked: Looked[T | None], which: str, store: Store) -> list[T]:
    """Give what the targets that know an arrival gave. Raises NotThere when none knows it."""
    looked.warn()
    found = [each for each in looked.found.values() if each is not None]
    if not found:
        known_to = ", ".join(looked.found) or "any target"
        said = f"{which}: no journal of {known_to} in bucket {store.bucket} knows it"
        if is_published(store, which):
            raise NotThere(f"{said}: published, not seen by the watch yet, which looks every 30 seconds")
        raise NotThere(f"{said}; has it been published, to this bucket?")
    return found


def _print(item: Explanation) -> None:
    out.print(f"\n[bold]{item.target}[/]: {escape(printable(item.key))}, arrival {item.arrival_id[:12]}")
    for event in item.events:
        tell(f"  {event.at:%Y-%m-%d %H:%M:%S}  {event.what}")
        tell(f"  {'':19}  entry {event.seq}, {event.by}", style="dim")
    until = f"; changes by itself at {item.until:%Y-%m-%d %H:%M:%S} UTC" if item.until else ""
    attempts = f" (attempts so far: {item.attempts})" if item.attempts else ""
    tell(f"  now: {item.now}{attempts}{until}")
