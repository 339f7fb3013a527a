"""Working on a rebuilt lineage: its settings, its arrivals, its units."""

from tasks.absorbing.recorded import need_bytes
from tasks.absorbing.work import Work
from tasks.arrivals.arrival import Arrival, read_manifest
from tasks.arrivals.unit import Unit, digests_of, source_of
from tasks.contracts.journal import Accepted
from tasks.contracts.manifest import Manifest
from tasks.errors import InvalidDocument, NotThere, OperationRefused
from tasks.journal.lineages import head_of, next_index
from tasks.journal.log import Journal
from tasks.lineages.rebuild import Course, Rebuild, Source

SHOWN = 10


def work_beside(work: Work, rebuild: Rebuild) -> Work:
    """Give the same means with the lineage's settings.

    A manual gate cannot wait for a person at every step, so the steps are held to non_inferior; the person
    is asked about the whole lineage. Raises OperationRefused as check_data.
    """
    check_data(work, rebuild)
    gate = work.target.gate
    if gate.policy == "manual":
        gate = gate.model_copy(update={"policy": "non_inferior"})
    target = work.target.model_copy(update={"absorb": rebuild.settings, "gate": gate})
    return Work(work.settings, work.store, target, work.journal)


def check_data(work: Work, rebuild: Rebuild) -> None:
    """Raise OperationRefused when the target has other data than the lineage was begun with."""
    if digests_of(work.target).data != rebuild.data:
        raise OperationRefused(
            f"lineage {rebuild.lineage} of {rebuild.target}: was begun on data {rebuild.data[:12]}, the "
            f"target has {digests_of(work.target).data[:12]} now; the champion stays; run it again to build "
            "it on these"
        )


def arrival_of(journal: Journal, source: Source) -> Arrival:
    """Read the journal's copy of a source's manifest. Raises InvalidDocument, BadArrival."""
    return Arrival(id=source.arrival_id, manifest=manifest_of(journal, source), attempts=0)


def manifest_of(journal: Journal, source: Source) -> Manifest:
    """Read the journal's copy of a source's manifest. Raises InvalidDocument, BadArrival."""
    entry = journal.entry(source.accepted_seq) if source.accepted_seq else None
    if not isinstance(entry, Accepted):
        raise InvalidDocument(
            f"journal of {journal.target}: no accepted manifest of arrival {source.arrival_id}; "
            "it cannot be absorbed again, leave it out"
        )
    return read_manifest(entry)


def unit_beside(work: Work, rebuild: Rebuild, arrival: Arrival) -> Unit:
    """Say what absorbing this arrival into the rebuilt lineage means now."""
    state = work.journal.last
    return Unit(
        target=rebuild.target,
        lineage=rebuild.lineage,
        index=next_index(state, rebuild.lineage, start=rebuild.start),
        arrival_id=arrival.id,
        manifest_key=arrival.manifest.key,
        source=source_of(arrival.manifest),
        parent_version=head_of(state, rebuild.lineage, start=rebuild.start),
        digests=digests_of(work.target),
        seed=work.target.absorb.seed,
        started_from=arrival.manifest.parent,
        rebuilds=True,
    )


def check_needs(work: Work, rebuild: Rebuild, course: Course) -> None:
    """Raise NotThere when a blob or version that a rebuild needs is gone, before anything is computed.

    Raises StoredDiffers when the version that it starts from has other bytes than were logged.
    """
    if rebuild.start is not None:
        need_bytes(work, rebuild.start)
    weights = [manifest_of(work.journal, source).weights for source in course.todo]
    gone = [each.key for each in weights if work.store.head(each.key) is None]
    if gone:
        raise NotThere(
            f"target {rebuild.target}: {', '.join(gone[:SHOWN])} ({len(gone)} in all) are gone from the "
            "bucket; put them back, or leave their sources out with --without; nothing was done"
        )
