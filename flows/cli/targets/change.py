"""`grasp target set`: change settings, data or classes of a living target."""

import typer

from flows.cli.app import out, tell
from flows.cli.reason import reason_option
from flows.cli.targets.target import target_app
from tasks.bucket.store import Store
from tasks.identity import signed
from tasks.journal.log import Journal
from tasks.operations.change.change import change
from tasks.operations.change.plan import plan_change
from tasks.operations.change.wish import wished
from tasks.publishing.classes import classes_in
from tasks.settings import StoreSettings, load_settings


@target_app.command("set")
def set_target(
    name: str = typer.Argument(help="Name of the target."),
    settings: list[str] = typer.Argument(None, help="Settings, such as epochs=12 margin=0.02 late=replay."),
    dataset: str = typer.Option(
        None, "--dataset", help="Key of another data set, as target create takes it."
    ),
    classes: str = typer.Option(
        None,
        "--classes",
        help="All classes, separated by commas: those of today, new ones behind them; needs --dataset.",
    ),
    reason: str = reason_option("set by hand"),
    apply: bool = typer.Option(False, "--apply", help="Do it; without it, only say what it means."),
) -> None:
    """Change settings, data or classes of a living target, from its next source on; by default only say what
    it means.

    Example: [bold]grasp target set digits-now epochs=12 margin=0.02 --reason "more labels" --apply[/]
    """
    store = Store.from_settings(load_settings(StoreSettings))
    journal = Journal(store, name, by=signed("grasp target set"))
    named = classes_in(classes) if classes is not None else None
    planned = plan_change(store, journal, settings=settings or [], dataset=dataset, classes=named)
    for line in planned.lines:
        tell(line)
    if not apply:
        out.print("nothing was changed; say --apply to do it")
        return
    changed = change(store, journal, lambda now: wished(now, planned.wish), reason=reason)
    if changed:
        tell(f"target {name} is changed (journal entry {journal.last.changed}); the next source heeds it")
