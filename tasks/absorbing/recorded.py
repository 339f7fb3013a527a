"""Versions as the journal recorded them: found again through their MLflow run where a person deleted them."""

import logging
from collections.abc import Sequence
from pathlib import Path

from tasks.absorbing.work import Work
from tasks.candidates.gate import Reference
from tasks.candidates.outcome import correct_of
from tasks.contracts.journal import Decided
from tasks.contracts.state import Lineage
from tasks.errors import NotThere
from tasks.journal.history import Historian
from tasks.journal.log import Journal
from tasks.registry.stored import ModelDigests, ModelFiles, data_of_model, data_of_version, fetch_data
from tasks.tracking.api import looking_up
from tasks.tracking.logged import read_logged

log = logging.getLogger(__name__)


def decision_on(journal: Journal, version: int) -> Decided | None:
    """Give the decision that registered a version, as of the state last read; None where none did."""
    return _newest(journal, version) or Historian(journal).read().by_version.get(version)


def run_of(work: Work, version: int) -> str | None:
    """Name the MLflow run that made a version, by the journal's word or, where that takes long, MLflow's."""
    decided = _newest(work.journal, version)
    if decided is None:
        try:
            with looking_up(f"version {version} of {work.target.name}"):
                return str(work.mlflow.get_model_version(work.target.name, str(version)).run_id)
        except NotThere:
            decided = decision_on(work.journal, version)
    return decided.mlflow_run_id if decided else None


def _newest(journal: Journal, version: int) -> Decided | None:
    """Find a version's decision by its arrival's newest one; None where that is about another version."""
    state = journal.last
    point = state.versions.get(version)
    if point is None or point.arrival_id is None:
        return None
    lineage = state.lineages.get(point.lineage, Lineage())
    for known in (lineage.held, state.closed):
        closed = known.get(point.arrival_id)
        entry = journal.entry(closed.seq) if closed else None
        if isinstance(entry, Decided) and entry.registry_version == version:
            return entry
    return None


def digests_of_version(work: Work, version: int) -> ModelDigests | None:
    """Give the SHA-256 that a version's files must have; None where the journal does not say."""
    point = work.journal.last.versions.get(version)
    if point is None or point.served_sha256 is None:
        return None
    return ModelDigests(served=point.served_sha256, stem=point.stem_sha256)


def data_of(work: Work, version: int) -> str:
    """Give the address of a version's files: the version's, or its run's where the version was deleted.

    Raises NotThere when neither has them.
    """
    try:
        return data_of_version(work.mlflow, work.target.name, version=version)
    except NotThere as gone:
        mlflow_run_id = run_of(work, version)
        if mlflow_run_id is None:
            raise
        try:
            model_id = read_logged(work.mlflow, mlflow_run_id).outcome.model_id
            found = data_of_model(work.mlflow, model_id or "none")
        except NotThere:
            raise gone from None
        log.warning("%s; its bytes are taken from MLflow run %s", gone, mlflow_run_id)
        return found


def fetch_known(work: Work, version: int, directory: Path) -> ModelFiles:
    """Download a version's files, wherever they are left, and check them. Raises NotThere, StoredDiffers."""
    return fetch_data(
        work.mlflow,
        data_of(work, version),
        subject=f"version {version} of {work.target.name}",
        directory=directory,
        expected=digests_of_version(work, version),
    )


def need_bytes(work: Work, version: int) -> None:
    """Raise NotThere when a version's files are gone, StoredDiffers when they are others than were logged."""
    with work.directory() as directory:
        fetch_known(work, version, directory)


def is_left(work: Work, version: int) -> bool:
    """Say whether a version's files are left anywhere."""
    try:
        data_of(work, version)
    except NotThere as error:
        log.warning("%s; it is gone on without", error)
        return False
    return True


def recorded_on(work: Work, version: int, *, data: str) -> bool:
    """Say whether a version was decided on these data, so that its recorded hits are of their gate split."""
    decided = decision_on(work.journal, version)
    return decided is not None and decided.digests is not None and decided.digests.data == data


def recorded_reference(work: Work, versions: Sequence[int], *, data: str) -> Reference | None:
    """Give the first of some versions whose hits on the gate split of these data MLflow still has."""
    for version in versions:
        if not recorded_on(work, version, data=data):
            continue
        mlflow_run_id = run_of(work, version)
        try:
            scores = read_logged(work.mlflow, mlflow_run_id or "none", weights=False).outcome.after_fine_tune
        except NotThere as error:
            log.warning("%s; the gate goes on without it", error)
            continue
        if scores:
            correct = correct_of(scores.gate_hits)
            return Reference(registry_version=version, correct=correct, loss=scores.gate.loss)
    return None
