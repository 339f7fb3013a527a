"""`grasp backfill | retract | verify`: lineages, built again by a person's word."""

from functools import partial
from typing import Any

import typer
from pydantic import ValidationError

from flows.cli.app import app, out, tell
from flows.cli.reason import reason_option
from flows.cli.targets.target import pairs
from tasks.arrivals.find import known_arrival
from tasks.bucket.store import Store
from tasks.contracts.rebuild import BackfillRequest
from tasks.errors import InvalidDocument
from tasks.extras import need_absorb
from tasks.identity import signed
from tasks.journal.log import Journal
from tasks.journal.targets import read_target
from tasks.problems import first_problem
from tasks.settings import Settings, load_settings


@app.command()
def backfill(
    target: str = typer.Argument(help="Name of the target."),
    from_period: str = typer.Option(..., "--from", help="Label of the first period to absorb again."),
    to_period: str = typer.Option(None, "--to", help="Label of the last one; later ones so far stay out."),
    without: list[str] = typer.Option([], "--without", help="Leave out series/period; may be repeated."),
    include: list[str] = typer.Option([], "--include", help="Take in what was rolled back or left out."),
    config: list[str] = typer.Option([], "--config", help="Another setting of an absorb, such as epochs=20."),
    compare: bool = typer.Option(False, "--compare", help="Build the lineage, leave the champion alone."),
    apply: bool = typer.Option(False, "--apply", help="Build it, and switch to it if the gate agrees."),
) -> None:
    """Absorb periods again, in order, as a new lineage; by default only say what would happen.

    Interrupted, the same command goes on where it was.

    Example: [bold]grasp backfill digits-now --from 2014 --without digits/2015 --config lr=0.001 --apply[/]
    """
    need_absorb("grasp backfill")
    fields: dict[str, Any] = {
        "from_period": from_period,
        "to_period": to_period,
        "without": tuple(without),
        "include": tuple(include),
        "config": pairs(config),
        "then": "apply" if apply else "compare" if compare else "print",
    }
    try:
        request = BackfillRequest.model_validate(fields)
    except ValidationError as error:
        raise InvalidDocument(f"backfill: {first_problem(error)}; nothing was done") from error
    plan = _plan(target, request)  # an unknown period is one line here, not a failed flow run
    if request.then == "print":
        for line in plan.split("\n"):
            tell(line)
        out.print("nothing was done; do it with --apply (through the gate) or --compare (the champion stays)")
        return
    from tasks.orchestration.flow_runs import need_server

    need_server()
    from flows.backfill import backfill as flow
    from flows.cli.by_hand import say_what_is_done

    say_what_is_done()

    _end(flow(target, request, return_state=True))


@app.command()
def retract(
    target: str = typer.Argument(help="Name of the target."),
    arrival: str = typer.Argument(help="Its id (six characters or more), manifest's key, series/period/rev."),
    reason: str = reason_option(),
) -> None:
    """Withdraw a source, and build the lineage again without it, through the gate.

    Interrupted, the same command goes on where it was.

    Example: [bold]grasp retract digits-now digits/2015/1 --reason "trained on leaked labels"[/]
    """
    need_absorb("grasp retract")
    _need_known(target, arrival)
    from tasks.orchestration.flow_runs import need_server

    need_server()
    from flows.cli.by_hand import say_what_is_done
    from flows.retract import retract as flow

    say_what_is_done()

    _end(flow(target, arrival, reason, return_state=True))


def _need_known(target: str, arrival: str) -> None:
    """Raise NotThere before a flow run begins."""
    store = Store.from_settings(load_settings(Settings))
    read_target(store, target)
    known_arrival(arrival, Journal(store, target, by=signed("grasp retract")).state(), target=target)


def _plan(target: str, request: BackfillRequest) -> str:
    from tasks.absorbing.recorded import is_left
    from tasks.absorbing.work import open_work
    from tasks.journal.history import Historian
    from tasks.lineages.backfill import backfill_of
    from tasks.lineages.plan import plan_text

    work = open_work(target, by="grasp backfill")
    history = Historian(work.journal).read()
    rebuild = backfill_of(work.target, history, request, left=partial(is_left, work))
    return plan_text(work, history, rebuild)


def _end(state: Any) -> None:
    tell(f"{state.name}. {state.message or ''}".strip())
    if not state.is_completed():
        raise typer.Exit(1)


@app.command()
def verify(
    target: str = typer.Argument(help="Name of the target."),
    version: int = typer.Argument(help="Registry version.", min=1),
    last: int = typer.Option(None, "--last", min=1, help="Only so many steps of its lineage."),
) -> None:
    """Compute a version again from its lineage, on this machine's CPU, and compare bit for bit.

    Example: [bold]grasp verify digits-now 7[/]
    """
    need_absorb("grasp verify")
    from tasks.absorbing.work import open_work
    from tasks.lineages.verify import verify as verify_version

    for result in verify_version(open_work(target, by="grasp verify"), version, last=last):
        same = "the same bits" if result.same else "differs"
        tell(f"version {result.version} ({result.source}): {same}")
        for line in result.unlike:
            tell(f"  other conditions, so bits may differ: {line}")
        if not result.same:
            tell(f"  found    {result.found}")
            tell(f"  recorded {result.recorded}")
            raise typer.Exit(1)
