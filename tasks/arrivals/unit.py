"""One unit of work: which source, into which version, with what. Frozen; passed between the stages."""

import hashlib
import json
from dataclasses import dataclass
from importlib.metadata import version

from tasks.arrivals.arrival import Arrival
from tasks.contracts.journal import Digests, SourceRef
from tasks.contracts.manifest import Manifest, Parent
from tasks.contracts.state import Lineage, State
from tasks.contracts.target import AbsorbSettings, Target
from tasks.errors import JournalMoved
from tasks.journal.lineages import head_of, next_index


@dataclass(frozen=True, kw_only=True, slots=True)
class Unit:
    """A source about to be absorbed. parent_version: the version it builds on, None for the first.

    started_from: what the source's training started from, as its manifest says.
    rebuilds: the lineage is being rebuilt beside the current one; its decisions close no arrival yet.
    """

    target: str
    lineage: str
    index: int  # position in the lineage that it takes if it is committed
    arrival_id: str
    manifest_key: str
    source: SourceRef
    parent_version: int | None
    digests: Digests
    seed: int
    started_from: Parent | None = None
    rebuilds: bool = False

    @property
    def source_name(self) -> str:
        """Name the source for people: series, period, rev."""
        return f"{self.source.series} {self.source.period.label} r{self.source.rev}"


def plan(target: Target, arrival: Arrival, state: State) -> Unit:
    """Say what absorbing this arrival now means."""
    return Unit(
        target=target.name,
        lineage=state.lineage,
        index=state.lineages.get(state.lineage, Lineage()).index + 1,
        arrival_id=arrival.id,
        manifest_key=arrival.manifest.key,
        source=source_of(arrival.manifest),
        parent_version=state.champion,
        digests=digests_of(target),
        seed=target.absorb.seed,
        started_from=arrival.manifest.parent,
    )


def source_of(manifest: Manifest) -> SourceRef:
    """Name the source that a manifest describes."""
    return SourceRef(
        series=manifest.series,
        period=manifest.period,
        rev=manifest.rev,
        weights_sha256=manifest.weights.sha256,
    )


def digests_of(target: Target) -> Digests:
    """Digest what an absorb depends on: its settings, its data, this code's version."""
    return Digests(
        config=config_digest(target.absorb),
        data=target.dataset.split("/")[-2],
        code=version("grasp-pipeline"),
    )


def config_digest(settings: AbsorbSettings) -> str:
    """Digest the settings of an absorb: SHA-256 (hex); augment, which came later, only where it is used."""
    before = {"augment"} if settings.augment == "none" else None
    body = json.dumps(settings.model_dump(mode="json", exclude=before), sort_keys=True).encode()
    return hashlib.sha256(body).hexdigest()


def check_unmoved(state: State, unit: Unit) -> None:
    """Raise JournalMoved unless the unit still builds on the tip."""
    lineage = state.lineages.get(unit.lineage, Lineage())
    start = unit.parent_version if unit.rebuilds else None
    found = (
        unit.arrival_id not in lineage.held if unit.rebuilds else unit.arrival_id in state.open,
        (state.lineage == unit.lineage) != unit.rebuilds,
        head_of(state, unit.lineage, start=start),
        next_index(state, unit.lineage, start=start),
    )
    needed = (True, True, unit.parent_version, unit.index)
    if found != needed:
        raise JournalMoved(
            f"{unit.manifest_key} for target {unit.target}, lineage {unit.lineage}: (undecided, lineage as "
            f"planned, parent, index) are {found}, the work was done for {needed}; it is thought over again"
        )
