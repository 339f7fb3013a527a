"""Change settings, data or classes of a living target: `grasp target set`, as a form in Prefect's UI.

Runs on the CPU pool, where it waits for no absorb. Needs the bucket. Says what a change means unless told to
apply it.
"""

from typing import Any, Literal

from prefect import State, flow, get_run_logger
from prefect.states import Completed

from tasks.bucket.store import Store
from tasks.credentials.discretion import discreet
from tasks.identity import signed
from tasks.journal.log import Journal
from tasks.operations.change.change import change
from tasks.operations.change.plan import plan_change
from tasks.operations.change.wish import wished
from tasks.settings import StoreSettings, load_settings


@flow(name="target-set", flow_run_name="target-set-{target}", persist_result=False)
def target_set(
    target: str,
    settings: list[str],
    dataset: str | None = None,
    classes: list[str] | None = None,
    reason: str = "set by hand",
    then: Literal["print", "apply"] = "print",
) -> State[Any]:
    """Change a target, from its next source on.

    Args:
        target: its name, such as digits-now
        settings: each as name=value, such as epochs=12 or margin=0.02; may be none where the data change
        dataset: key of another data set, as grasp target create takes it; without one, the data stay
        classes: to add some: all of them, those of today first; needs a data set that has them, too
        reason: why, for the journal
        then: print only says what the change means, in the log; apply does it

    """
    with discreet():
        store = Store.from_settings(load_settings(StoreSettings))
        journal = Journal(store, target, by=signed("target set"))
        planned = plan_change(store, journal, settings=settings, dataset=dataset, classes=classes)
        get_run_logger().info("%s", "\n".join(planned.lines))
        if not planned.changes:
            return Completed(message=planned.lines[0])
        if then == "print":
            return Completed(
                message=f"would change {planned.changes}; the log says what that means; nothing was changed"
            )
        change(store, journal, lambda now: wished(now, planned.wish), reason=reason)
        entry = f"journal entry {journal.last.changed}"
        return Completed(message=f"changed {planned.changes} ({entry}); the next source heeds it")
