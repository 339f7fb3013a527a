"""Delete weights that nothing needs: of old intermediate targets in MLflow, of sources in the bucket.

Never `mlflow gc`: it knows nothing of the journal. Figures and cards of versions stay.
"""

import logging
from dataclasses import dataclass

from mlflow import MlflowClient

from tasks.absorbing.work import Work
from tasks.arrivals.unit import digests_of
from tasks.contracts import keys
from tasks.errors import InvalidDocument, NotThere
from tasks.journal.history import Historian
from tasks.lineages.hint import clear_ended, living_hints
from tasks.operations.idle import check_idle
from tasks.operations.leftovers import leftovers, not_shared, registered_versions
from tasks.operations.needed import needed_blobs, needed_versions, unfinished
from tasks.orchestration.absorb_runs import REBUILD_FLOWS
from tasks.registry.pruning import is_pruned, prune_version
from tasks.tracking.api import answering

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Doomed:
    """What is to be deleted. versions: registry versions; blobs: keys in the bucket with their sizes.

    kept: versions that stay; unfinished: lineages that keep the blobs that they would still absorb.
    unread: why it cannot be told which blobs others need, so that all stay; "" where it can.
    """

    versions: tuple[int, ...]
    blobs: dict[str, int]
    kept: tuple[int, ...]
    unfinished: tuple[str, ...]
    unread: str = ""


def plan_prune(work: Work, *, keep: int) -> Doomed:
    """Say what a target no longer needs, if its newest `keep` versions stay besides those in use."""
    history = Historian(work.journal).read()
    there = registered_versions(work.mlflow, work.target.name)
    named = _aliased(work.mlflow, work.target.name) if there else ()
    hints = living_hints(work.store, work.journal)
    rebuilt = {*unfinished(history.state), *(hint.lineage for hint in hints)}
    kept = needed_versions(history.state, keep=keep, aliased=named, data=digests_of(work.target).data) | {
        hint.start for hint in hints if hint.start is not None
    }
    old = {*history.by_version, *leftovers(there, history.state, unfinished=rebuilt)} - kept
    decided = {done.source.weights_sha256 for done in history.by_seq.values() if done.source}
    unread = ""
    try:
        unneeded = decided - needed_blobs(work.store, target=work.target.name, versions=kept)
    except InvalidDocument as error:  # another target's journal: nobody knows what it needs
        unneeded, unread = set(), str(error)
    heads = {key: work.store.head(key) for key in sorted(map(keys.blob_key, unneeded))}
    return Doomed(
        versions=tuple(v for v in not_shared(sorted(old), there) if not is_pruned(there[v])),
        blobs={key: head.size_bytes for key, head in heads.items() if head},
        kept=tuple(sorted(kept)),
        unfinished=tuple(sorted(rebuilt)),
        unread=unread,
    )


def prune(work: Work, doomed: Doomed, *, keep: int) -> None:
    """Delete what was planned, except what something has come to need since. Can be done again.

    Raises OperationRefused while a backfill or retract of the target is at work, and what check_idle raises.
    """
    still = plan_prune(work, keep=keep)
    check_idle(work.target.name, flows=REBUILD_FLOWS)
    for version in sorted(set(doomed.versions) & set(still.versions)):
        state = work.journal.state()
        if version in (state.champion, state.previous):
            continue
        try:
            prune_version(work.mlflow, work.target.name, version, decided=version in state.versions)
        except NotThere as error:  # deleted by a person meanwhile, or its model was
            log.warning("%s; the others are pruned", error)
    for key in sorted(doomed.blobs.keys() & still.blobs.keys()):
        work.store.delete(key)
    clear_ended(work.store, work.journal)


def _aliased(client: MlflowClient, target: str) -> tuple[int, ...]:
    """Give the versions that aliases name, whoever set them; none of a registered model that is gone."""
    try:
        with answering(f"registered model {target}"):
            return tuple(int(version) for version in client.get_registered_model(target).aliases.values())
    except NotThere:
        return ()
