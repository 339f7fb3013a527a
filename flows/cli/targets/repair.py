"""`grasp repair TARGET`: what was deleted or broken under a target, and what brings it back."""

import typer

from flows.cli.app import app, out, tell
from tasks.bucket.store import Store
from tasks.journal.repair import diagnose, move_aside
from tasks.settings import StoreSettings, load_settings

DOCS = "docs/repair.md says more"


@app.command()
def repair(
    target: str = typer.Argument(help="Name of the target."),
    journal: bool = typer.Option(False, "--journal", help="Its journal, instead of what MLflow holds of it."),
    aside: list[int] = typer.Option(
        [], "--aside", min=1, help="With --journal: an entry's number that is a stranger's although it reads."
    ),
    apply: bool = typer.Option(False, "--apply", help="Do it; without it, only say what would be done."),
) -> None:
    """Say what was deleted in MLflow, or is in the journal's way, and bring back what can be.

    Example: [bold]grasp repair digits-now --apply[/]
    """
    if aside and not journal:
        raise typer.BadParameter("--aside names journal entries; say --journal, too")
    (_repair_journal(target, aside, apply) if journal else _repair_mlflow(target, apply))


def _repair_journal(target: str, aside: list[int], apply: bool) -> None:
    store = Store.from_settings(load_settings(StoreSettings))
    found = diagnose(store, target, named=aside)
    tell(
        f"journal of {target}: entries 1 to {found.tip} can be read" if found.tip else f"journal of {target}"
    )
    if not found.strangers and not found.refused:
        tell("nothing is in its way; nothing was changed")
        return
    for stranger in found.strangers:
        tell(f"in the way: {stranger.why}")
        if not found.refused:
            tell(f"  {'moving' if apply else 'would move'} it to {stranger.aside}")
    if found.refused:
        tell(f"a person has to look first: {found.refused}; {DOCS}; nothing was changed")
        raise typer.Exit(1)
    if not apply:
        out.print("nothing was changed; say --apply to do it")
        return
    for key in move_aside(store, target, found):
        tell(f"moved to {key}")
    out.print("the journal goes on")


def _repair_mlflow(target: str, apply: bool) -> None:
    from tasks.absorbing.work import open_work
    from tasks.operations.repair import findings
    from tasks.operations.repair import repair as mend

    work = open_work(target, by="grasp repair")
    found = findings(work)
    for each in found:
        tell(each.what)
        tell(f"  {'' if each.mend is None else 'is being ' if apply else 'would be '}{each.then}")
    mends = [each for each in found if each.mend]
    if not found:
        out.print(f"nothing of {target} is missing in MLflow; nothing was changed")
    elif not mends:
        tell(f"nothing can be brought back here; {DOCS}; nothing was changed")
    elif not apply:
        out.print("nothing was changed; say --apply to do it")
    else:
        mend(work, found)
        out.print("done")
