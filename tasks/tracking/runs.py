"""MLflow runs: one per absorbed source, one per lineage; none is left RUNNING.

A run belongs to the flow run in its tag `flow_run`: who takes over the run of a dead one writes its own name
there, and who lost a run this way no longer ends it.
"""

import logging
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from mlflow import MlflowClient
from mlflow.entities import LoggedModelInput, Param, Run, RunTag

from tasks.arrivals.unit import Unit
from tasks.candidates.outcome import Outcome, unit_key
from tasks.contracts.journal import Decided
from tasks.contracts.target import Target
from tasks.errors import TransientError
from tasks.journal.wording import reason_line
from tasks.tracking.api import answering
from tasks.tracking.experiments import experiment_of, log_figures, runs_of
from tasks.tracking.logged_model import source_model
from tasks.tracking.notes import note
from tasks.tracking.run_facts import (
    ORIGIN,
    REFUSED,
    dataset_of,
    refusal_name,
    refusal_tags,
    run_name,
    tags_of,
)

Status = Literal["FINISHED", "FAILED", "KILLED"]

log = logging.getLogger(__name__)


@contextmanager
def running(client: MlflowClient, unit: Unit, *, target: Target, flow_run: str, device: str) -> Iterator[str]:
    """Open the unit's MLflow run, give its id, and end it: FINISHED, FAILED by an error, else KILLED."""
    run_id = open_run(client, unit, target=target, flow_run=flow_run, device=device)
    try:
        yield run_id
    except BaseException as error:
        status: Status = "FAILED" if isinstance(error, Exception) else "KILLED"
        try:
            end_run(client, run_id, status=status, flow_run=flow_run)
        except TransientError as unreachable:  # the first error matters more; end_stale_runs comes later
            log.warning("MLflow run %s could not be ended as %s: %s", run_id, status, unreachable)
        raise
    end_run(client, run_id, status="FINISHED", flow_run=flow_run)


def open_run(client: MlflowClient, unit: Unit, *, target: Target, flow_run: str, device: str) -> str:
    """Find the run of this unit or create it, mark it RUNNING and as ours; give its id."""
    with answering(f"experiment {unit.target}"):
        experiment_id = experiment_of(client, unit.target)
        found = runs_of(client, experiment_id, f"tags.unit = '{unit_key(unit)}'")
        tags = tags_of(unit, flow_run=flow_run, device=device)
        if found:
            run_id = _preferred(found).info.run_id
            client.update_run(run_id, status="RUNNING", name=run_name(unit))
            client.log_batch(run_id, tags=[RunTag(key, value) for key, value in tags.items()])
        else:
            run = client.create_run(experiment_id, run_name=run_name(unit), tags=tags)
            run_id = run.info.run_id
        settings = target.absorb.model_dump() | {"architecture": target.architecture.id}
        client.log_batch(run_id, params=[Param(key, str(value)) for key, value in settings.items()])
        source = LoggedModelInput(source_model(client, experiment_id, unit))
        client.log_inputs(run_id, datasets=[dataset_of(target, unit)], models=[source])
    return str(run_id)


def log_decision(client: MlflowClient, run_id: str, decided: Decided, *, outcome: Outcome | None) -> None:
    """Write a committed decision where people look: tags and the run's note.

    outcome: absent when the absorb failed before it had figures. A run that has one ends as FINISHED.
    """
    reason = decided.reason
    tags = {
        "decision": decided.decision,
        "reason_code": decided.reason_code,
        "reason": reason_line(decided.reason_code, found=reason.found, needed=reason.needed),
        "registry_version": str(decided.registry_version or ""),
        "mlflow.note.content": note(decided, outcome),
    }
    with answering(f"MLflow run {run_id}"):
        client.log_batch(run_id, tags=[RunTag(key, value[:8000]) for key, value in tags.items()])
        if outcome is not None and client.get_run(run_id).info.status != "FINISHED":
            client.set_terminated(run_id, status="FINISHED")  # its flow run died after the outcome


def log_refusal(client: MlflowClient, target: str, decided: Decided) -> None:
    """Write a decision without a run of its own as a row of the runs page, unless it is there."""
    with answering(f"experiment {target}"):
        experiment_id = experiment_of(client, target)
        if runs_of(client, experiment_id, f"tags.kind = '{REFUSED}' and tags.entry = '{decided.seq}'"):
            return
        at_ms, tags = int(decided.at.timestamp() * 1000), refusal_tags(decided)
        run = client.create_run(experiment_id, at_ms, tags, run_name=refusal_name(decided))
        client.set_terminated(run.info.run_id, end_time=at_ms)


def log_lineage_point(
    client: MlflowClient,
    target: str,
    *,
    lineage: str,
    index: int,
    gate_accuracy: float,
    test_accuracy: float,
) -> None:
    """Add one point, at step = index, to the chart of a lineage; a point that is there is left alone."""
    with answering(f"lineage {lineage} of {target}"):
        experiment_id = experiment_of(client, target)
        run = _lineage_run(client, experiment_id, lineage)
        if int(run.data.tags.get("last_index", "0")) >= index:
            return
        figures = {"gate_accuracy": gate_accuracy, "test_accuracy": test_accuracy}
        log_figures(client, run.info.run_id, figures, step=index)
        client.set_tag(run.info.run_id, "last_index", str(index))


def log_lineage_picture(client: MlflowClient, target: str, *, lineage: str, picture: Path) -> str:
    """Put a lineage's picture on the run of its chart, in the place of the one before; give the run's id."""
    with answering(f"lineage {lineage} of {target}"):
        run_id = str(_lineage_run(client, experiment_of(client, target), lineage).info.run_id)
        client.log_artifact(run_id, str(picture))
        return run_id


def tag_lineage(client: MlflowClient, target: str, *, lineage: str, tags: Mapping[str, str]) -> None:
    """Write on the run of a lineage's chart what became of the lineage."""
    with answering(f"lineage {lineage} of {target}"):
        run = _lineage_run(client, experiment_of(client, target), lineage)
        client.log_batch(run.info.run_id, tags=[RunTag(key, value[:8000]) for key, value in tags.items()])


def end_run(client: MlflowClient, run_id: str, *, status: Status, flow_run: str) -> None:
    """End a run, unless another flow run has taken it over."""
    with answering(f"MLflow run {run_id}"):
        if client.get_run(run_id).data.tags.get("flow_run") == flow_run:
            client.set_terminated(run_id, status=status)


def end_stale_runs(
    client: MlflowClient, target: str, *, flow_run: str, living: Collection[str] = ()
) -> list[str]:
    """End as KILLED every RUNNING run of a target whose flow run is dead; give their ids.

    living: ids of other flow runs that are at work. One that lives all the same ends its run itself, with
    its own status.
    """
    with answering(f"experiment {target}"):
        experiment_id = experiment_of(client, target)
        found = runs_of(client, experiment_id, "attributes.status = 'RUNNING'")
        alive = {flow_run, *living}
        stale = [run.info.run_id for run in found if run.data.tags.get("flow_run") not in alive]
        for run_id in stale:
            client.set_terminated(run_id, status="KILLED")
    return stale


def _preferred(found: list[Run]) -> Run:
    """Choose among the runs of a unit: one with an outcome before the others, then the oldest."""
    return min(found, key=lambda run: "outcome" not in run.data.tags)


def _lineage_run(client: MlflowClient, experiment_id: str, lineage: str) -> Run:
    found = runs_of(client, experiment_id, f"tags.kind = 'lineage' and tags.lineage = '{lineage}'")
    if found:
        return found[0]
    tags = {"kind": "lineage", "lineage": lineage, **ORIGIN}
    run = client.create_run(experiment_id, run_name=f"lineage/{lineage}", tags=tags)
    client.set_terminated(run.info.run_id)  # points can be added to an ended run; a RUNNING one looks alive
    return run
