"""What an absorb came to, in MLflow: logged in one go, and found again after a crash.

It is complete only when the run's tag `outcome` is there. The tag is written last and names the artifact by
its digest, so that a crash, or two writers on one run, never show half of a result or a mix of two.
"""

import hashlib
import logging
import tempfile
from dataclasses import dataclass
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Run, RunTag

from tasks.arrivals.unit import Unit
from tasks.candidates.candidate import Candidate
from tasks.candidates.figures import figures_of, outcome_of
from tasks.candidates.outcome import Outcome, unit_key
from tasks.contracts.base import ModelSignature
from tasks.contracts.target import Target
from tasks.errors import NotThere
from tasks.journal.ancestry import Ancestor, Ancestry
from tasks.private import private_directory
from tasks.tracking.api import answering, download, looking_up
from tasks.tracking.evidence import write_evidence
from tasks.tracking.experiments import experiment_of, log_figures, runs_of
from tasks.tracking.flavor import ModelContent
from tasks.tracking.logged_model import log_model
from tasks.tracking.model_card import model_card
from tasks.tracking.notes import undecided

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Logged:
    """An outcome that is completely in MLflow."""

    mlflow_run_id: str
    outcome: Outcome


def find_logged(client: MlflowClient, unit: Unit) -> Logged | None:
    """Find what was completely logged for this unit before; None when there is nothing, or it is damaged."""
    with answering(f"experiment {unit.target}"):
        experiment_id = experiment_of(client, unit.target)
        found = runs_of(
            client, experiment_id, f"tags.unit = '{unit_key(unit)}' and tags.outcome LIKE 'outcome-%'"
        )
    for run in found:
        try:
            logged = _read(client, run)
            if logged.outcome.unit_key == unit_key(unit):
                return logged
            log.warning(
                "MLflow run %s: its outcome is another unit's; the source is absorbed again", run.info.run_id
            )
        except NotThere as error:
            log.warning("%s; the source is absorbed again", error)
    return None


def read_logged(client: MlflowClient, run_id: str, *, weights: bool = True) -> Logged:
    """Read the outcome of a run; weights: its model has to be there, too.

    Raises NotThere when it has none, or its file or its model is gone.
    """
    with looking_up(f"MLflow run {run_id}"):
        run = client.get_run(run_id)
    return _read(client, run, weights=weights)


def forget(client: MlflowClient, logged: Logged) -> None:
    """Take back that an outcome is complete, after its stored bytes turned out damaged."""
    with answering(f"MLflow run {logged.mlflow_run_id}"):
        client.delete_tag(logged.mlflow_run_id, "outcome")


def log_outcome(
    client: MlflowClient,
    run_id: str,
    candidate: Candidate,
    *,
    unit: Unit,
    target: Target,
    ancestors: tuple[Ancestor, ...],
    device: str,
    scratch: Path,
) -> Logged:
    """Log all that an absorb made: model, figures, pictures, and last the tag that completes it.

    ancestors: the sources of the parent version, oldest first. scratch: below it a private directory holds
    the files meanwhile.
    """
    outcome = outcome_of(candidate, unit, device=device)
    with answering(f"MLflow run {run_id}"), private_directory(scratch) as directory:
        if candidate.files is not None:
            lineage = (*ancestors, _ancestor(candidate, unit, outcome))
            content = ModelContent(
                served=candidate.files.served,
                stem=candidate.files.stem,
                signature=ModelSignature(
                    architecture=target.architecture, classes=target.classes, input=target.input
                ),
                ancestry=Ancestry(ancestors=lineage),
                card=model_card(target, unit, outcome=outcome, ancestors=lineage),
            )
            model_id = log_model(client, run_id, content, unit=unit, directory=directory / "model")
            outcome = outcome.model_copy(update={"model_id": model_id})
        log_figures(client, run_id, figures_of(outcome), model_id=outcome.model_id)
        write_evidence(directory / "evidence", candidate, target=target)
        client.log_artifacts(run_id, str(directory / "evidence"))
        if candidate.source_classes is not None:
            client.set_tag(run_id, "source_classes", f"{candidate.source_classes} of {len(target.classes)}")
        _complete(client, run_id, outcome, directory=directory)
    return Logged(mlflow_run_id=run_id, outcome=outcome)


def _ancestor(candidate: Candidate, unit: Unit, outcome: Outcome) -> Ancestor:
    return Ancestor(
        index=unit.index,
        source=unit.source,
        choice=outcome.choice,
        alpha=outcome.alpha,
        license=candidate.license,
        parent=unit.started_from,
        classes=candidate.source_classes,
    )


def _complete(client: MlflowClient, run_id: str, outcome: Outcome, *, directory: Path) -> None:
    body = outcome.body()
    name = f"outcome-{hashlib.sha256(body).hexdigest()}.json"
    (directory / name).write_bytes(body)
    client.log_artifact(run_id, str(directory / name))
    tags = {"choice": outcome.choice, "mlflow.note.content": undecided(outcome)}
    tags |= {f"environment.{name}": value for name, value in outcome.environment.items()}
    client.log_batch(run_id, tags=[RunTag(key, value) for key, value in tags.items()])
    client.set_tag(run_id, "outcome", name)


def _read(client: MlflowClient, run: Run, *, weights: bool = True) -> Logged:
    run_id = run.info.run_id
    name = run.data.tags.get("outcome")
    if name is None:
        raise NotThere(f"MLflow run {run_id}: it has no outcome yet")
    with answering(f"{name} of MLflow run {run_id}"), tempfile.TemporaryDirectory() as scratch:
        # A download of what is not there looks like a network error, so the listing is asked first.
        if name not in {file.path for file in client.list_artifacts(run_id)}:
            raise NotThere(f"{name} of MLflow run {run_id}: it is gone from MLflow's artifact store")
        body = download(client, f"{run.info.artifact_uri}/{name}", Path(scratch)).read_bytes()
        if name != f"outcome-{hashlib.sha256(body).hexdigest()}.json":
            raise NotThere(f"{name} of MLflow run {run_id}: its bytes are not those of its name")
        outcome = Outcome.model_validate_json(body, strict=True)
        if weights and outcome.model_id is not None:
            client.get_logged_model(outcome.model_id)
    return Logged(mlflow_run_id=run_id, outcome=outcome)
