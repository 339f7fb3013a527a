"""`grasp status`: targets, champions, what is open and what was decided, with reasons."""

import json
from collections.abc import Sequence
from datetime import timedelta

import typer
from rich.markup import escape

from flows.cli.app import app, out, tell
from flows.cli.targets.each_target import Looked, look_at
from tasks.bucket.store import Store
from tasks.contracts.keys import MANIFESTS
from tasks.identity import signed
from tasks.journal.log import Journal
from tasks.journal.targets import read_target
from tasks.operations.glance import Glance
from tasks.operations.status import DecidedArrival, TargetStatus, status_of, strays
from tasks.settings import Settings, load_settings
from tasks.tracking.pages import model_page


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
    glance = Glance(settings.mlflow_tracking_uri, login=settings.mlflow_login)

    def look(name: str) -> TargetStatus:
        journal = Journal(store, name, by=signed("grasp status"))
        found = read_target(store, name)
        return status_of(store, found, journal, pending_limit=limit, last=last, glance=glance)

    looked = look_at(store, target, look)
    lost = strays(store) if show_strays else []
    if as_json:
        _print_json(looked, lost)
    else:
        _print_all(looked, lost, settings)
    if glance.away:
        typer.echo(f"grasp: {glance.away}", err=True)
    looked.end()


def _print_json(looked: Looked[TargetStatus], lost: Sequence[str]) -> None:
    shown = {
        "targets": [item.model_dump(mode="json") for item in looked.found.values()],
        "unreadable": [{"name": name, "error": why} for name, why in looked.unreadable.items()],
        "strays": lost,
    }
    typer.echo(json.dumps(shown, indent=1))


def _print_all(looked: Looked[TargetStatus], lost: Sequence[str], settings: Settings) -> None:
    for item in looked.found.values():
        _print(item, settings.mlflow_tracking_uri)
    if not looked.found and not looked.unreadable:
        tell(f"no targets in bucket {settings.bucket}; create one with: grasp target create --help")
    for key in lost:
        tell(f"stray: {key}")
    looked.warn()


def _print_decided(decided: Sequence[DecidedArrival]) -> None:
    """One line each; a second one says why an arrival did not move the champion."""
    out.print("decided arrivals, newest last")
    width = max(len(_short(done.key)) for done in decided)
    for done in decided:
        version = f"version {done.registry_version}" if done.registry_version else ""
        test = done.figures.get("test_accuracy")
        accuracy = "" if test is None else f"test {test:.4f}"
        tell(
            f"  {_short(done.key):<{width}}  {done.decision:<11}  {version:<10}  {accuracy:<11}  {done.code}"
        )
        if done.decision != "promoted":
            tell(f"      found {done.found}; needed {done.needed}", style="dim")


def _short(key: str) -> str:
    """Name an arrival as `grasp explain` takes it: series/period/rev."""
    return key.removeprefix(MANIFESTS).removesuffix(".json")


def _print(item: TargetStatus, mlflow: str) -> None:
    champion = f"version {item.champion}" if item.champion else "none yet"
    if item.champion_gate_accuracy is not None:
        champion += f", gate accuracy {item.champion_gate_accuracy:.4f}"
    if item.rolled_back_from:
        champion += f" (rolled back from version {item.rolled_back_from}; later arrivals build on it)"
    paused = escape(" [paused]") if item.paused else ""
    out.print(f"\n[bold]{item.name}[/]{paused}: champion {champion}, lineage {item.lineage}", style=None)
    if item.champion:
        tell(f"in MLflow: {model_page(mlflow, item.name)}")
    for gone in item.missing:
        tell(f"missing in MLflow: {gone}; grasp repair {item.name} says what helps", style="bold")
    for built in item.rebuilding:
        head = f"at version {built.head}" if built.head else "at its start"
        tell(f"lineage {built.name}: beside {item.lineage}, {built.sources} sources decided, {head}")
    if item.open:
        out.print("open arrivals")
        for arrival in item.open:
            until = f"; changes by itself at {arrival.until:%Y-%m-%d %H:%M:%S} UTC" if arrival.until else ""
            tell(f"  {_short(arrival.key)}  {arrival.why}{until}")
    if item.decided:
        _print_decided(item.decided)
    if item.decided_count > len(item.decided):
        out.print(f"{item.decided_count - len(item.decided)} earlier decisions; show more with --last")
