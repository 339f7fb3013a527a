"""`grasp status`: targets, champions, what is open and what was decided, with reasons."""

import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

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
from tasks.orchestration.at_work import AtWork, Orchestrator
from tasks.settings import Settings, load_settings
from tasks.tracking.pages import model_page, runs_page


@app.command()
def status(
    target: str = typer.Argument("", help="One target; all without it."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON for programs."),
    last: int = typer.Option(20, "--last", min=1, help="How many decisions to show."),
    show_strays: bool = typer.Option(False, "--strays", help="List keys outside the contract."),
    watch: bool = typer.Option(False, "--watch", help="Show it anew every few seconds, until Ctrl-C."),
    every: float = typer.Option(5, "--every", min=1, help="Seconds between two looks, with --watch."),
) -> None:
    """Show targets, their champion, open arrivals and decisions.

    Example: [bold]grasp status digits-now[/]
    """
    settings = load_settings(Settings)
    store = Store.from_settings(settings)

    def show() -> Looked[TargetStatus]:
        return _show(settings, store, target, last=last, as_json=as_json, show_strays=show_strays)

    if not watch:
        show().end()
    while watch and not out.unread:
        if not as_json:
            out.clear()
            tell(
                f"grasp status, {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC, every {every:g} s; Ctrl-C ends it"
            )
        show()
        time.sleep(every)


def _show(
    settings: Settings, store: Store, target: str, *, last: int, as_json: bool, show_strays: bool
) -> Looked[TargetStatus]:
    limit = timedelta(hours=settings.pending_limit_h)
    glance = Glance(settings.mlflow_tracking_uri, login=settings.mlflow_login)
    orchestrator = Orchestrator()

    def look(name: str) -> TargetStatus:
        return status_of(
            store,
            read_target(store, name),
            Journal(store, name, by=signed("grasp status")),
            pending_limit=limit,
            last=last,
            glance=glance,
            orchestrator=orchestrator,
        )

    looked = look_at(store, target, look)
    lost = strays(store) if show_strays else []
    page = orchestrator.absorb_page() if looked.found and not as_json else None
    if as_json:
        _print_json(looked, lost)
    else:
        _print_all(looked, lost, settings, glance)
        if page:
            out.print()
            tell(f"absorb runs: {page}")
    for away in filter(None, (glance.away, orchestrator.away)):
        typer.echo(f"grasp: {away}", err=True)
    return looked


def _print_json(looked: Looked[TargetStatus], lost: Sequence[str]) -> None:
    shown = {
        "targets": [item.model_dump(mode="json") for item in looked.found.values()],
        "unreadable": [{"name": name, "error": why} for name, why in looked.unreadable.items()],
        "strays": lost,
    }
    typer.echo(json.dumps(shown, indent=1))


def _print_all(looked: Looked[TargetStatus], lost: Sequence[str], settings: Settings, glance: Glance) -> None:
    for item in looked.found.values():
        _print(item, _links(item, settings.mlflow_tracking_uri, glance))
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


def _links(item: TargetStatus, mlflow: str, glance: Glance) -> list[str]:
    """Give the pages of MLflow that are worth a look; none while it does not answer."""
    experiment = glance.experiments.get(item.name)
    if not item.champion or experiment is None or glance.away:
        return []
    return [f"in MLflow: {runs_page(mlflow, experiment)}", f"versions:  {model_page(mlflow, item.name)}"]


def _at_work(run: AtWork) -> str:
    """Say in a line who works on what: step with its source, progress, since when, where."""
    where = f" on {run.worker}" if run.worker else ""
    doing = run.progress or run.doing or "between two steps"
    step = f" ({run.doing})" if run.progress and run.doing else ""
    return f"at work: {doing}{step}, {run.flow} since {run.since:%H:%M:%S} UTC{where}"


def _print(item: TargetStatus, links: Sequence[str]) -> None:
    champion = f"version {item.champion}" if item.champion else "none yet"
    if item.champion_gate_accuracy is not None:
        champion += f", gate accuracy {item.champion_gate_accuracy:.4f}"
    if item.rolled_back_from:
        champion += f" (rolled back from version {item.rolled_back_from}; later arrivals build on it)"
    paused = escape(" [paused]") if item.paused else ""
    out.print(f"\n[bold]{item.name}[/]{paused}: champion {champion}, lineage {item.lineage}", style=None)
    for link in links:
        tell(link)
    for run in item.at_work:
        tell(_at_work(run), style="bold")
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
