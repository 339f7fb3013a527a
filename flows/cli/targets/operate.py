"""`grasp pause | resume | promote | rollback`: what a person does to a target by hand."""

import typer

from flows.cli.app import app, out
from flows.cli.reason import reason_option
from tasks.bucket.store import Store
from tasks.extras import need_absorb
from tasks.identity import signed
from tasks.journal.log import Journal
from tasks.journal.targets import read_target
from tasks.settings import StoreSettings, load_settings


@app.command()
def pause(
    target: str = typer.Argument(help="Name of the target."),
    reason: str = reason_option("paused by hand"),
) -> None:
    """Absorb nothing until resumed; a source that is being absorbed is finished.

    Example: [bold]grasp pause digits-now --reason "new labels are on their way"[/]
    """
    from tasks.operations.pause import pause as pause_target

    changed = pause_target(_journal(target, "grasp pause"), reason=reason)
    out.print(f"target {target} {'is paused' if changed else 'was paused already'}")


@app.command()
def resume(
    target: str = typer.Argument(help="Name of the target."),
    reason: str = reason_option("resumed by hand"),
) -> None:
    """Go on absorbing.

    Example: [bold]grasp resume digits-now[/]
    """
    from tasks.operations.pause import resume as resume_target

    changed = resume_target(_journal(target, "grasp resume"), reason=reason)
    out.print(f"target {target} {'goes on' if changed else 'was not paused'}")


@app.command()
def promote(
    target: str = typer.Argument(help="Name of the target."),
    version: int = typer.Argument(help="Registry version.", min=1),
    reason: str = reason_option(),
) -> None:
    """Make a version the champion by a person's word (gate policy manual, or against the gate).

    Example: [bold]grasp promote digits-now 7 --reason "checked by hand"[/]
    """
    need_absorb("grasp promote")
    from flows.by_hand import promote_by_hand

    def warn(doubt: str) -> None:
        typer.echo(f"grasp: warning: {doubt}", err=True)

    out.print(promote_by_hand(target, version, reason=reason, by="grasp promote", warn=warn))


@app.command()
def rollback(
    target: str = typer.Argument(help="Name of the target."),
    version: int = typer.Argument(None, help="Registry version; the previous champion without it.", min=1),
    reason: str = reason_option(),
) -> None:
    """Move the champion back to an earlier one, at once; later arrivals build on it.

    Example: [bold]grasp rollback digits-now --reason "worse on the night shift"[/]
    """
    need_absorb("grasp rollback")
    from flows.by_hand import roll_back_by_hand

    out.print(roll_back_by_hand(target, version, reason=reason, by="grasp rollback"))


def _journal(target: str, by: str) -> Journal:
    store = Store.from_settings(load_settings(StoreSettings))
    read_target(store, target)
    return Journal(store, target, by=signed(by))
