"""May a rebuilt lineage take the place of the current one? The gate decides; `switched` commits."""

from typing import NamedTuple

from tasks.absorbing.decide import better_earlier
from tasks.absorbing.measure import measure_version
from tasks.absorbing.recorded import is_left, recorded_reference
from tasks.absorbing.work import Work
from tasks.candidates.gate import Judged, Reference, Verdict, judge
from tasks.contracts.journal import Entry, Switched
from tasks.contracts.state import State
from tasks.errors import JournalMoved, OperationRefused
from tasks.journal.lineages import head_of
from tasks.journal.log import Stamp
from tasks.lineages.beside import check_data
from tasks.lineages.rebuild import Course, Rebuild
from tasks.tracking.runs import tag_lineage

_ASK = Verdict(
    decision="parked",
    code="manual",
    found="nothing left of the champion to compare with",
    needed="a person's word: grasp promote",
)


class Contest(NamedTuple):
    """A rebuilt lineage's head against the champion; verdict is None where they are one version."""

    head: int
    champion: int | None
    verdict: Verdict | None


def contest(work: Work, rebuild: Rebuild) -> Contest:
    """Hold the head of a rebuilt lineage against the champion and the best earlier one, as the gate does.

    All are measured here and now, so that versions measured on other data compare; one whose bytes are gone
    counts with what was recorded of it, or not at all. Raises OperationRefused when nothing is left of the
    lineage, or its data are no longer the target's, and what measure_version raises.
    """
    check_data(work, rebuild)
    state = work.journal.state()
    head = head_of(state, rebuild.lineage, start=rebuild.start)
    if head is None:
        raise OperationRefused(
            f"lineage {rebuild.lineage} of {rebuild.target} has no version: every source is left out; "
            f"the champion stays; absorb another source first, or pause the target and serve another"
        )
    if head == state.champion:
        return Contest(head, head, None)
    better = better_earlier(state, lineage=state.lineage, parent=state.champion, data=rebuild.data)
    best = next((version for version in better if is_left(work, version)), None)
    best_found = measure_version(work, best) if best is not None else None
    champion = None if state.champion is None else _champion(work, state, data=rebuild.data) or best_found
    if champion is None and state.champion is not None and work.target.gate.policy == "manual":
        return Contest(head, state.champion, _ASK)
    measured = measure_version(work, head)
    judged = Judged(correct=measured.correct, loss=measured.loss, classes=len(work.target.classes))
    verdict = judge(work.target.gate, judged, champion=champion, best=best_found)
    return Contest(head, state.champion, verdict)


def _champion(work: Work, state: State, *, data: str) -> Reference | None:
    """Measure the champion; where its bytes are gone, take what was recorded of it on these data, if any."""
    champion = state.champion or 0
    if is_left(work, champion):
        return measure_version(work, champion)
    point = state.versions.get(champion)
    return recorded_reference(work, [champion], data=data) if point and point.data == data else None


def switch(work: Work, rebuild: Rebuild, course: Course, won: Contest, *, reason: str) -> State:
    """Make the rebuilt lineage the current one.

    Raises JournalMoved when the current lineage went on since the course was charted or its champion moved:
    nothing is written then, and what came meanwhile is absorbed first.
    """

    def think(state: State, stamp: Stamp) -> Entry:
        origin = state.lineages.get(rebuild.origin)
        found = (state.lineage, state.champion, origin.index if origin else 0)
        needed = (rebuild.origin, won.champion, course.origin_index)
        if found != needed:
            raise JournalMoved(
                f"target {rebuild.target}: (lineage, champion, index) are {found}, lineage {rebuild.lineage} "
                f"was compared with {needed}; it catches up and is compared again"
            )
        return Switched(
            **stamp._asdict(), lineage=rebuild.lineage, registry_version=won.head, reason=reason[:1000]
        )

    return work.journal.transact(think)


def say_outcome(work: Work, rebuild: Rebuild, held: Contest) -> None:
    """Write on the lineage's run in MLflow what the gate said of it."""
    verdict = held.verdict
    said = {
        "origin": rebuild.origin,
        "head_version": str(held.head),
        "compared_with_version": str(held.champion or ""),
        "decision": verdict.decision if verdict else "unchanged",
        "reason_code": verdict.code if verdict else "no_gain",
        "reason": f"found {verdict.found}; needed {verdict.needed}" if verdict else "it is the champion",
    }
    tag_lineage(work.mlflow, rebuild.target, lineage=rebuild.lineage, tags=said)
