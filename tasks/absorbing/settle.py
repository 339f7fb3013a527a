"""From a logged candidate to a committed decision: register, verify, gate, journal."""

import logging

from tasks.absorbing.decide import better_earlier, commit
from tasks.absorbing.measure import measure_version
from tasks.absorbing.recorded import is_left, recorded_on, recorded_reference
from tasks.absorbing.work import Work
from tasks.arrivals.unit import Unit, check_unmoved
from tasks.candidates.figures import figures_of
from tasks.candidates.gate import Judged, Reference, Verdict, judge
from tasks.candidates.outcome import Scores, correct_of
from tasks.contracts.journal import Decided
from tasks.contracts.state import State
from tasks.errors import JournalMoved, StoredDiffers
from tasks.journal.lineages import head_of
from tasks.registry.aside import set_aside_others
from tasks.registry.registry import register
from tasks.registry.stored import ModelDigests, verify_stored
from tasks.registry.tags import decision_tags, tag_damaged, tag_duplicate, tag_set_aside
from tasks.tracking.logged import Logged, forget

log = logging.getLogger(__name__)


def settle(work: Work, unit: Unit, logged: Logged) -> Decided:
    """Decide on a logged absorb and commit it. Order of writes: version, its stored hash, journal.

    Raises JournalMoved when the journal's tip is no longer what the unit builds on; a version that was
    registered for it is then tagged as a duplicate. Raises StoredDiffers when MLflow lost its bytes: what
    was logged is forgotten, and the next attempt absorbs again.
    """
    state = work.journal.state()
    check_unmoved(state, unit)
    verdict = _verdict(work, unit, logged)
    version = _registered(work, unit, logged, verdict)
    outcome = logged.outcome
    kept = {
        name: figure
        for name, figure in figures_of(outcome).items()
        if "/" not in name and name != "seconds_total"  # seconds and bytes are MLflow's
    }
    try:
        decided = commit(
            work.journal,
            unit,
            verdict,
            registry_version=version,
            weights_sha256=outcome.served_sha256,
            stem_sha256=outcome.stem_sha256,
            mlflow_run_id=logged.mlflow_run_id,
            figures=kept,
        )
    except JournalMoved:
        if version is not None:
            _set_aside(work, unit, version)
        raise
    _set_aside_leftovers(work, unit, state, version)
    return decided


def _registered(work: Work, unit: Unit, logged: Logged, verdict: Verdict) -> int | None:
    outcome = logged.outcome
    if outcome.served_sha256 is None:
        return None  # unchanged: there is no new model
    said = decision_tags(verdict.decision, verdict.code, found=verdict.found, needed=verdict.needed)
    version = register(work.mlflow, logged, unit=unit, expects=said, known=work.journal.last.versions)
    expected = ModelDigests(served=outcome.served_sha256, stem=outcome.stem_sha256)
    try:
        verify_stored(work.mlflow, unit.target, version=version, expected=expected, scratch=work.scratch)
    except StoredDiffers as error:
        tag_damaged(work.mlflow, unit.target, version=version, reason=str(error))
        forget(work.mlflow, logged)
        raise
    return version


def _verdict(work: Work, unit: Unit, logged: Logged) -> Verdict:
    outcome = logged.outcome
    if outcome.after_fine_tune is None:
        return Verdict(
            decision="rejected",
            code="no_gain",
            found="no step toward the source lowers the loss on the labels",
            needed="an alpha above 0",
        )
    champion = None
    if unit.parent_version is not None and outcome.before is not None:
        champion = _reference(unit.parent_version, outcome.before)
    scores = outcome.after_fine_tune
    return judge(
        work.target.gate,
        Judged(correct=correct_of(scores.gate_hits), loss=scores.gate.loss, classes=len(work.target.classes)),
        champion=champion,
        best=_best_earlier(work, unit),
    )


def _best_earlier(work: Work, unit: Unit) -> Reference | None:
    state, parent = work.journal.last, unit.parent_version
    better = better_earlier(state, lineage=unit.lineage, parent=parent, data=unit.digests.data)
    for version in better:
        if recorded_on(work, version, data=unit.digests.data):
            found = recorded_reference(work, [version], data=unit.digests.data)
        else:  # it was measured again on these data, so its recorded hits are of other images
            found = measure_version(work, version) if is_left(work, version) else None
        if found:
            return found
    return None


def _reference(version: int, scores: Scores) -> Reference:
    return Reference(registry_version=version, correct=correct_of(scores.gate_hits), loss=scores.gate.loss)


def _set_aside_leftovers(work: Work, unit: Unit, before: State, version: int | None) -> None:
    """Set aside what attempts that died registered on another parent or with other settings."""
    opened = before.open.get(unit.arrival_id)
    holds = version if version is not None else unit.parent_version
    if holds is not None and (unit.rebuilds or (opened and opened.tries > 1)):
        set_aside_others(work.mlflow, unit, of=holds, known=work.journal.last.versions)


def _set_aside(work: Work, unit: Unit, version: int) -> None:
    """Tag a version that lost the race, unless the winner committed this very version."""
    state: State = work.journal.state()
    if version in state.versions:
        log.info("version %d of %s was committed by another writer", version, unit.target)
        return
    head = head_of(state, unit.lineage, start=unit.parent_version)
    ended = unit.arrival_id not in state.open and unit.arrival_id not in state.closed
    if head is None or (ended and not unit.rebuilds):
        why = "withdrawn" if unit.arrival_id in state.withdrawn else "the journal moved on"
        tag_set_aside(work.mlflow, unit.target, version=version, why=f"{why} before it was decided on")
    else:
        tag_duplicate(work.mlflow, unit.target, version=version, of=head)
