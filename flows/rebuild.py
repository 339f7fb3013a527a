"""Build a lineage beside the current one, source by source; then let the gate say whether it takes over."""

from collections.abc import Callable
from typing import NamedTuple

from prefect import get_run_logger, tags

from grasp_core.errors import IncompatibleSource, NonFiniteLoss
from tasks.absorbing.steps import decide, fetch, produce, show
from tasks.absorbing.work import Work
from tasks.arrivals.arrival import Arrival
from tasks.arrivals.refuse import refuse_arrival, refuse_beside, unfit
from tasks.errors import BadArrival, JournalMoved, NotThere
from tasks.journal.history import Historian
from tasks.journal.recent import recent_decisions
from tasks.journal.wording import decided_words
from tasks.lineages.beside import arrival_of, unit_beside, work_beside
from tasks.lineages.course import check_going
from tasks.lineages.hint import keeping
from tasks.lineages.rebuild import Course, Rebuild
from tasks.lineages.steps import compare
from tasks.lineages.switch import Contest, say_outcome, switch
from tasks.orchestration.artifacts import show_decisions


class Rebuilt(NamedTuple):
    """How a rebuild ended. contest: absent where nothing was asked of the gate."""

    lineage: str
    contest: Contest | None
    switched: bool


class Rebuilding(NamedTuple):
    """A rebuild under way. late: open arrivals that belong to it; between: called after every source,
    False to stop; reason: what the `switched` entry says.
    """

    rebuild: Rebuild
    flow_run: str
    reason: str
    between: Callable[[], bool]
    late: tuple[Arrival, ...] = ()


def build(work: Work, going: Rebuilding) -> bool:
    """Absorb what is left of a lineage; False when it was stopped.

    Raises OperationRefused when the current lineage moved away under it, and what is no source's fault.
    """
    return keeping(work, going.rebuild, lambda: _build(work, going))


def build_and_switch(work: Work, going: Rebuilding) -> Rebuilt | None:
    """Build a lineage, catch up with the current one, take its place if the gate agrees; None: stopped."""
    return keeping(work, going.rebuild, lambda: _build_and_switch(work, going))


def _build(work: Work, going: Rebuilding) -> bool:
    beside, historian = work_beside(work, going.rebuild), Historian(work.journal)
    while left := _left(work, going, check_going(historian.read(), going.rebuild)):
        _absorb(beside, going, left[0])
        if not going.between():
            return False
    return True


def _build_and_switch(work: Work, going: Rebuilding) -> Rebuilt | None:
    rebuild, historian = going.rebuild, Historian(work.journal)
    while _build(work, going):
        course = check_going(historian.read(), rebuild)
        if _left(work, going, course):
            continue
        held = compare(work, rebuild)
        say_outcome(work, rebuild, held)
        if held.verdict is None or held.verdict.decision != "promoted":
            return Rebuilt(rebuild.lineage, held, switched=False)
        try:
            switch(work, rebuild, course, held, reason=f"{going.reason}: {held.verdict.found}")
        except JournalMoved as error:
            get_run_logger().info("%s", error)
            continue
        show(work)
        return Rebuilt(rebuild.lineage, held, switched=True)
    return None


def _left(work: Work, going: Rebuilding, course: Course) -> list[Arrival]:
    """List what the lineage still has to absorb, in period order."""
    state = work.journal.last
    held = state.lineages[going.rebuild.lineage].held if going.rebuild.lineage in state.lineages else {}
    late = [each for each in going.late if each.id in state.open and each.id not in held]
    first = [arrival_of(work.journal, source) for source in course.todo]
    return sorted([*first, *late], key=lambda arrival: arrival.order)


def _absorb(work: Work, going: Rebuilding, arrival: Arrival) -> None:
    unit = unit_beside(work, going.rebuild, arrival)
    manifest = arrival.manifest
    try:
        with tags(f"series:{manifest.series}", f"period:{manifest.period.label}", f"lineage:{unit.lineage}"):
            source = fetch(work, arrival)
            logged = produce(work, unit, source, flow_run=going.flow_run)
            decided = decide(work, unit, logged)
        get_run_logger().info("%s in %s: %s", unit.source_name, unit.lineage, decided_words(decided))
        show_decisions(unit.target, [decided, *recent_decisions(work.journal)])
    except BadArrival as error:
        _refuse(work, going, arrival, error)
    except (IncompatibleSource, NonFiniteLoss) as error:
        _refuse(work, going, arrival, unfit(manifest.key, error))
    except JournalMoved as error:
        get_run_logger().info("%s", error)
        return
    show(work)


def _refuse(work: Work, going: Rebuilding, arrival: Arrival, error: BadArrival) -> None:
    """Decide a source that cannot be absorbed: a new one for good, one absorbed before in this lineage.

    Raises NotThere when a blob that was good is damaged now: nobody asked to leave its source out.
    """
    if arrival.id in work.journal.state().open:
        refuse_arrival(work.journal, arrival.id, error)
    elif error.code.startswith("blob_"):
        raise NotThere(
            f"{error.object}: found {error.found}; put it back, or leave its source out"
        ) from error
    else:
        refuse_beside(work.journal, unit_beside(work, going.rebuild, arrival), error)
