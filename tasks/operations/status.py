"""What is the case with a target, for people and programs: read only, nothing is decided by looking."""

from collections.abc import Sequence
from datetime import timedelta

from pydantic import Field

from tasks.arrivals.arrival import Delayed
from tasks.arrivals.examine import Finding, Refused, examine
from tasks.arrivals.listing import compare
from tasks.bucket.store import Store
from tasks.contracts import keys
from tasks.contracts.base import Document, Moment
from tasks.contracts.journal import Accepted, Decided
from tasks.contracts.state import State
from tasks.contracts.target import Target
from tasks.errors import InvalidDocument
from tasks.journal.log import Journal
from tasks.operations.glance import Glance
from tasks.orchestration.at_work import AtWork, Orchestrator


class OpenArrival(Document):
    """An arrival without a decision."""

    key: str
    why: str
    until: Moment | None = None


class DecidedArrival(Document):
    """An arrival with its decision."""

    key: str
    decision: str
    code: str
    found: str
    needed: str
    registry_version: int | None
    figures: dict[str, float]
    at: Moment


class RebuildStatus(Document):
    """A lineage that is built beside the current one, or was and did not take over."""

    name: str
    head: int | None = Field(description="its newest promoted version")
    sources: int = Field(ge=0, description="decisions that it holds back")


class TargetStatus(Document):
    """One target."""

    name: str
    series: tuple[str, ...]
    lineage: str
    champion: int | None
    champion_gate_accuracy: float | None
    previous: int | None
    rolled_back_from: int | None = Field(description="arrivals build on the champion, not on this version")
    paused: bool
    at_work: tuple[AtWork, ...] = Field(description="running flow runs of this target, if Prefect answered")
    missing: tuple[str, ...] = Field(description="what a person deleted in MLflow, as far as it answered")
    rebuilding: tuple[RebuildStatus, ...]
    open: tuple[OpenArrival, ...]
    decided_count: int = Field(ge=0)
    decided: tuple[DecidedArrival, ...] = Field(description="newest last")


def status_of(
    store: Store,
    target: Target,
    journal: Journal,
    *,
    pending_limit: timedelta,
    last: int = 20,
    glance: Glance | None = None,
    orchestrator: Orchestrator | None = None,
) -> TargetStatus:
    """Look at a target; `last`: how many decisions to show.

    glance: at what MLflow lacks of it; orchestrator: who is at work on it.
    """
    state = journal.state()
    working = orchestrator.at_work(target.name) if orchestrator else ()
    newest = sorted(state.closed.values(), key=lambda closed: closed.seq)[-last:]
    return TargetStatus(
        name=target.name,
        series=target.series,
        lineage=state.lineage,
        champion=state.champion,
        champion_gate_accuracy=_gate_accuracy(state),
        previous=state.previous,
        rolled_back_from=_rolled_back_from(state),
        paused=state.paused or target.paused,
        at_work=working,
        missing=glance.missing(target.name, state) if glance else (),
        rebuilding=_beside(state),
        open=tuple(_or_at_work(each, working) for each in _open(store, target, journal, pending_limit)),
        decided_count=len(state.closed),
        decided=tuple(_decided(journal, closed.seq, closed.accepted_seq) for closed in newest),
    )


def _gate_accuracy(state: State) -> float | None:
    point = state.versions.get(state.champion) if state.champion else None
    return point.gate_accuracy if point else None


def _beside(state: State) -> tuple[RebuildStatus, ...]:
    """Give the lineages that hold decisions back: those that never were, or are not yet, the current one."""
    return tuple(
        RebuildStatus(name=name, head=lineage.head, sources=len(lineage.held))
        for name, lineage in sorted(state.lineages.items())
        if name != state.lineage and len(lineage.held)
    )


def _rolled_back_from(state: State) -> int | None:
    """Give the version that a person rolled back from, until the champion moves again."""
    before = state.versions.get(state.previous) if state.previous is not None else None
    return state.previous if before and before.role == "retired" else None


def strays(store: Store) -> list[str]:
    """List keys below manifests/ that are outside the contract and so belong to no target."""
    return [item.key for item in store.list(keys.MANIFESTS) if keys.parse_manifest_key(item.key) is None]


def _open(
    store: Store, target: Target, journal: Journal, pending_limit: timedelta
) -> tuple[OpenArrival, ...]:
    found = [_said(finding) for finding in examine(store, target, journal, pending_limit=pending_limit)]
    new = compare(store, target, journal.last).new
    return (*found, *(OpenArrival(key=item.key, why="not seen by the watch yet") for item in new))


def _or_at_work(arrival: OpenArrival, working: Sequence[AtWork]) -> OpenArrival:
    """Say of an arrival that somebody works on it, rather than that it is ready."""
    key = keys.parse_manifest_key(arrival.key)
    name = f" {key.series} {key.label} r{key.rev} " if key else None
    if name and any(name in f"{run.doing} " for run in working):
        return OpenArrival(key=arrival.key, why="at work")
    return arrival


def _said(finding: Finding) -> OpenArrival:
    if isinstance(finding, Refused):
        return OpenArrival(key=finding.error.object, why=f"about to be refused: {finding.error}")
    if isinstance(finding, Delayed):
        return OpenArrival(key=finding.key, why=finding.why, until=finding.until)
    return OpenArrival(key=finding.manifest.key, why="ready")


def _decided(journal: Journal, seq: int, accepted_seq: int) -> DecidedArrival:
    entry, accepted = journal.entry(seq), journal.entry(accepted_seq)
    if not isinstance(entry, Decided) or not isinstance(accepted, Accepted):
        raise InvalidDocument(
            f"journal of {journal.target}: entries {seq}, {accepted_seq} are no decision and its arrival"
        )
    return DecidedArrival(
        key=accepted.key,
        decision=entry.decision,
        code=entry.reason_code,
        found=entry.reason.found,
        needed=entry.reason.needed,
        registry_version=entry.registry_version,
        figures=entry.figures,
        at=entry.at,
    )
