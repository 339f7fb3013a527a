"""The steps of one absorb as Prefect tasks. Weights never travel as values: paths, digests, frozen types."""

from pathlib import Path
from typing import Any

from prefect import State, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import TaskRun

from grasp_core.progress import Epoch
from tasks.absorbing.project import project
from tasks.absorbing.recorded import fetch_known
from tasks.absorbing.remeasure import measure_again, needs_measuring
from tasks.absorbing.settle import settle
from tasks.absorbing.work import Work
from tasks.arrivals.arrival import Arrival
from tasks.arrivals.unit import Unit
from tasks.candidates.candidate import Parent
from tasks.candidates.device import check_devices, computing, device_of, levers_for
from tasks.candidates.ranks.launch import absorb_over
from tasks.contracts.journal import Decided
from tasks.credentials.discretion import discreet
from tasks.data.datasets import load_dataset
from tasks.errors import JournalMoved, TransientError
from tasks.journal.ancestry import Ancestor
from tasks.orchestration.artifacts import FineTuneProgress
from tasks.tracking.epoch_log import EpochLog
from tasks.tracking.logged import Logged, find_logged, log_outcome
from tasks.tracking.runs import running
from tasks.weights.intake import take_in

RETRY_DELAYS_S = [1, 4, 15, 30]


def is_transient(_task: Any, _run: TaskRun, state: State[Any]) -> bool:
    """Say whether a failed task may succeed when it is tried again: not when the journal moved under it."""
    error = state.result(raise_on_failure=False)
    return isinstance(error, TransientError) and not isinstance(error, JournalMoved)


OPTIONS: dict[str, Any] = {
    "cache_policy": NO_CACHE,
    "persist_result": False,
    "retries": len(RETRY_DELAYS_S),
    "retry_delay_seconds": RETRY_DELAYS_S,
    "retry_condition_fn": is_transient,
}

_SOURCE = "{unit.source.series} {unit.source.period.label} r{unit.source.rev}"


@task(
    name="fetch",
    task_run_name="fetch {arrival.manifest.series} {arrival.manifest.period.label} "
    "r{arrival.manifest.rev} for {work.target.name}",
    **OPTIONS,
)
@discreet()
def fetch(work: Work, arrival: Arrival) -> Path:
    """Download a source's weights and check them before anything loads them. Raises BadArrival."""
    return take_in(
        work.store,
        arrival.manifest.weights,
        work.target.needed_of(len(arrival.manifest.classes)).architecture,
        cache_dir=work.settings.cache_dir,
        limit_bytes=int(work.settings.cache_limit_gb * 1e9),
    )


@task(name="absorb-source", task_run_name=f"absorb {_SOURCE} into {{unit.target}}", **OPTIONS)
@discreet()
def produce(work: Work, unit: Unit, source: Path, *, flow_run: str) -> Logged:
    """Align, transfer, fine-tune, measure and log; what was logged completely before is found again."""
    found = find_logged(work.mlflow, unit)
    if found:
        get_run_logger().info("found what an earlier attempt logged in MLflow run %s", found.mlflow_run_id)
        return found
    device = device_of(work.settings.device)
    check_devices(work.target, device)
    levers = levers_for(work.settings, work.target, device)
    dataset = load_dataset(work.store, work.target.dataset, cache_dir=work.settings.cache_dir)
    with work.directory() as directory:
        parent, ancestors = _parent(work, unit, directory / "parent")
        with running(
            work.mlflow, unit, target=work.target, flow_run=flow_run, device=str(device)
        ) as mlflow_run_id:
            curves = EpochLog(work.mlflow, mlflow_run_id)
            progress = FineTuneProgress(unit.source_name, target=unit.target)

            def on_epoch(epoch: Epoch) -> None:
                curves.add(epoch)
                progress.tell(epoch)

            scratch = directory / "candidate"
            scratch.mkdir()
            with computing(levers):
                candidate = absorb_over(
                    work.target,
                    dataset,
                    devices=work.target.devices or 1,
                    source=source,
                    parent=parent,
                    directory=scratch,
                    device=device,
                    levers=levers,
                    on_epoch=on_epoch,
                )
            curves.flush()
            return log_outcome(
                work.mlflow,
                mlflow_run_id,
                candidate,
                unit=unit,
                target=work.target,
                ancestors=ancestors,
                device=str(device),
                scratch=directory,
            )


@task(name="decide", task_run_name=f"decide {_SOURCE} for {{unit.target}}", **OPTIONS)
@discreet()
def decide(work: Work, unit: Unit, logged: Logged) -> Decided:
    """Register, verify what was stored, ask the gate, commit to the journal."""
    return settle(work, unit, logged)


@task(name="measure-again", task_run_name="measure champions of {work.target.name} on new data", **OPTIONS)
@discreet()
def measure_champions(work: Work) -> None:
    """Measure champions on data that the target has since, before anything is decided on these."""
    for each in measure_again(work):
        get_run_logger().info(
            "version %d on the new gate: accuracy %.4f of %d samples",
            each.registry_version,
            each.gate_accuracy,
            each.gate_samples,
        )


def keep_up(work: Work) -> None:
    """Heed what a person changed about the target; on new data champions are measured before any decision."""
    work.heed()
    if needs_measuring(work):
        measure_champions(work)


@task(name="project", task_run_name="show {work.target.name} in MLflow", **OPTIONS)
@discreet()
def show(work: Work) -> None:
    """Make MLflow's aliases, tags and notes show the journal."""
    project(work)


def _parent(work: Work, unit: Unit, directory: Path) -> tuple[Parent | None, tuple[Ancestor, ...]]:
    if unit.parent_version is None:
        return None, ()
    directory.mkdir()
    files = fetch_known(work, unit.parent_version, directory)
    parent = Parent(registry_version=unit.parent_version, served=files.served, stem=files.stem)
    return parent, files.ancestors
