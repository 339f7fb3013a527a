"""What a person does to a target by hand: a journal entry first, MLflow's aliases second."""

from tasks.absorbing.measure import usable_version
from tasks.absorbing.project import project
from tasks.absorbing.work import Work
from tasks.contracts.journal import Entry, Promoted, RolledBack, Switched
from tasks.contracts.state import State
from tasks.errors import OperationRefused
from tasks.journal.history import Historian
from tasks.journal.log import Journal, Stamp
from tasks.reason import checked_reason


def promote(work: Work, version: int, *, reason: str) -> State:
    """Make a registered version the champion by a person's word; one of another lineage switches to that.

    Raises NotThere when the journal knows no such version or its bytes are gone, StoredDiffers when they are
    others, OperationRefused when it is the champion already.
    """
    reason = checked_reason(reason)
    point = usable_version(work, version)

    def think(state: State, stamp: Stamp) -> Entry:
        _check_other(state, version, work)
        if point.lineage != state.lineage:
            return Switched(**stamp._asdict(), lineage=point.lineage, registry_version=version, reason=reason)
        return Promoted(
            **stamp._asdict(), arrival_id=point.arrival_id, registry_version=version, reason=reason
        )

    work.journal.transact(think)
    project(work)
    return work.journal.last


def doubt_of(journal: Journal, version: int) -> str | None:
    """Say why a version is dubious beyond its accuracy; None when nothing is known against it."""
    decided = Historian(journal).read().by_version.get(version)
    if decided is None or decided.reason_code != "absurd_loss":
        return None
    return f"version {version}: {decided.reason.found}; needed {decided.reason.needed}"


def roll_back(work: Work, version: int | None, *, reason: str) -> State:
    """Move the champion to an earlier champion; without a version to the one before.

    Instant: nothing is computed. Later arrivals build on it. Raises as promote, and OperationRefused when the
    version never was champion.
    """
    reason = checked_reason(reason)
    wanted = version if version is not None else _previous(work)
    point = usable_version(work, wanted)
    if point.role == "candidate":
        raise OperationRefused(
            f"version {wanted} of {work.target.name} never was champion; use grasp promote for it"
        )

    def think(state: State, stamp: Stamp) -> Entry:
        _check_other(state, wanted, work)
        return RolledBack(**stamp._asdict(), registry_version=wanted, reason=reason)

    work.journal.transact(think)
    project(work)
    return work.journal.last


def _previous(work: Work) -> int:
    previous = work.journal.state().previous
    if previous is None:
        raise OperationRefused(
            f"target {work.target.name} has no earlier champion to go back to; nothing was changed"
        )
    return previous


def _check_other(state: State, version: int, work: Work) -> None:
    if state.champion == version:
        raise OperationRefused(
            f"version {version} is the champion of {work.target.name} already; nothing was changed"
        )
