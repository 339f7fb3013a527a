"""Arrivals: a manifest as a target sees it, and the reasons to refuse one."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal, NamedTuple

from grasp_core.data.names import unlike_names
from tasks.contracts.base import Document, ModelSignature
from tasks.contracts.journal import Accepted
from tasks.contracts.manifest import Manifest
from tasks.contracts.reading import MAX_DOCUMENT_BYTES, read_document
from tasks.contracts.state import State
from tasks.contracts.target import Target
from tasks.errors import BadArrival, InvalidDocument, NewerSchema
from tasks.journal.lineage_rules import weights_id

WAITS = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15))  # after attempt 1, 2, 3
MAX_ATTEMPTS = len(WAITS) + 1
Waiting = Literal["outside_window", "between_attempts", "blob_pending", "twin_first"]


class PeriodOrder(NamedTuple):
    """Period order: start, end, series, rev, arrival id. Never the store's modification time."""

    start: date
    end: date
    series: str
    rev: int
    arrival_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrival:
    """A source that may be absorbed."""

    id: str
    manifest: Manifest
    attempts: int

    @property
    def order(self) -> PeriodOrder:
        """Give the sort key of this arrival."""
        period = self.manifest.period
        return PeriodOrder(period.start, period.end, self.manifest.series, self.manifest.rev, self.id)


@dataclass(frozen=True, kw_only=True, slots=True)
class Delayed:
    """An arrival that cannot be absorbed now, why, and when it changes by itself (None: it does not)."""

    id: str
    key: str
    waiting: Waiting
    why: str
    until: datetime | None


def read_manifest(accepted: Accepted) -> Manifest:
    """Read the journal's copy of a manifest. Raises BadArrival when it breaks the contract."""
    if accepted.manifest is None:
        what = "text that is not UTF-8" if accepted.digest else f"{accepted.size_bytes} bytes"
        raise _invalid(accepted, found=what)
    try:
        manifest = read_document(Manifest, accepted.manifest.encode(), name=accepted.key)
    except NewerSchema as error:
        raise BadArrival(
            "newer_schema",
            object=accepted.key,
            found=str(error),
            needed=f"schema_version up to {Manifest.newest_schema}",
            next="parked; update the pipeline, then requeue it",
        ) from error
    except InvalidDocument as error:
        raise _invalid(accepted, found=str(error).removeprefix(f"{accepted.key}: ")) from error
    if manifest.key != accepted.key:
        raise BadArrival(
            "manifest_key",
            object=accepted.key,
            found=f"fields that belong to {manifest.key}",
            needed="series, period.label and rev as in the key",
        )
    return manifest


def check_signature(source: ModelSignature, target: Target, *, object: str) -> None:  # noqa: A002
    """Refuse a source whose architecture, classes or input differ from the target's. Raises BadArrival.

    Where classes were added to a target, a source may know the first ones only, as many as it once had.
    """
    where, like = f"{object} for target {target.name}", target.needed_of(len(source.classes))
    if source.architecture != like.architecture:
        found, needed = _unlike(source.architecture, like.architecture)
        raise BadArrival("architecture", object=where, found=found, needed=needed)
    if source.classes != like.classes:
        found, needed = unlike_names(source.classes, like.classes)
        raise BadArrival("classes", object=where, found=found, needed=needed)
    if source.input != like.input:
        found, needed = _unlike(source.input, like.input)
        raise BadArrival("input", object=where, found=found, needed=needed)


def check_duplicate(manifest: Manifest, state: State) -> None:
    """Refuse weights that were absorbed for this period under another rev. Raises BadArrival."""
    weights = weights_id(manifest.series, manifest.period.label, manifest.weights.sha256)
    if weights in state.weights:
        raise BadArrival(
            "same_weights",
            object=manifest.key,
            found=f"weights {manifest.weights.sha256[:12]}, absorbed before (entry {state.weights[weights]})",
            needed="other weights for a correction",
            next="recorded as a duplicate; nothing changes",
        )


def check_accepted(accepted: Accepted, *, target: Target, state: State) -> Manifest:
    """Read an accepted manifest and hold it against target and journal. Raises BadArrival."""
    manifest = read_manifest(accepted)
    check_signature(manifest, target, object=manifest.key)
    check_duplicate(manifest, state)
    return manifest


def _unlike(found: Document, needed: Document) -> tuple[str, str]:
    """Name the fields in which two documents of one kind differ, as the one and as the other has them."""
    names = [name for name in type(found).model_fields if getattr(found, name) != getattr(needed, name)]
    first, second = (", ".join(f"{name} {getattr(each, name)}" for name in names) for each in (found, needed))
    return first, second


def _invalid(accepted: Accepted, *, found: str) -> BadArrival:
    needed = f"a manifest of schema_version 1 or 2, UTF-8, at most {MAX_DOCUMENT_BYTES} bytes"
    return BadArrival("manifest_invalid", object=accepted.key, found=found, needed=needed)
