"""What an MLflow run says about the unit it shows: name, tags, input data."""

from mlflow.entities import Dataset, DatasetInput, InputTag

from grasp_core.seed import conditions
from tasks.arrivals.unit import Unit
from tasks.candidates.outcome import unit_key
from tasks.contracts.journal import Decided
from tasks.contracts.target import Target
from tasks.journal.wording import decision_lines, reason_line

REFUSED = "refused"  # kind of a run that shows a decision without an absorb
ORIGIN = {"mlflow.user": "grasp", "mlflow.source.name": "grasp absorb", "mlflow.source.type": "JOB"}


def run_name(unit: Unit) -> str:
    """Name the run of a unit."""
    return f"absorb/{unit.index:04d}/{unit.source.period.label}"


def tags_of(unit: Unit, *, flow_run: str, device: str) -> dict[str, str]:
    """Tell what a run computes from, who works on it, and what has to be equal for equal bits."""
    source = unit.source
    environment = conditions() | {"device": device}
    return {
        "kind": "absorb",
        "unit": unit_key(unit),
        "lineage": unit.lineage,
        "index": str(unit.index),
        "series": source.series,
        "period": source.period.label,
        "rev": str(source.rev),
        "arrival_id": unit.arrival_id,
        "source_sha256": source.weights_sha256,
        "parent_version": str(unit.parent_version or ""),
        "config_digest": unit.digests.config,
        "data_digest": unit.digests.data,
        "code_version": unit.digests.code,
        "seed": str(unit.seed),
        "flow_run": flow_run,
        **{f"environment.{name}": value for name, value in environment.items()},
        **ORIGIN,
    }


def refusal_name(decided: Decided) -> str:
    """Name the row of a decision without an absorb; an arrival that could not be read goes by its id."""
    return f"{decided.decision}/{decided.source.period.label if decided.source else decided.arrival_id[:12]}"


def refusal_tags(decided: Decided) -> dict[str, str]:
    """Tell of a decision without an absorb what the row of an absorb tells."""
    source, reason = decided.source, decided.reason
    about = {"series": source.series, "period": source.period.label, "rev": str(source.rev)} if source else {}
    return {
        "kind": REFUSED,
        "entry": str(decided.seq),
        "decision": decided.decision,
        "reason": reason_line(decided.reason_code, found=reason.found, needed=reason.needed)[:8000],
        "reason_code": decided.reason_code,
        "lineage": decided.lineage,
        "arrival_id": decided.arrival_id,
        "mlflow.note.content": "\n".join(decision_lines(decided))[:8000],
        **about,
        **ORIGIN,
    }


def dataset_of(target: Target, unit: Unit) -> DatasetInput:
    """Name the target's data as an input of a run."""
    # MLflow keeps 36 characters of a digest; the tag data_digest has it whole.
    name = target.dataset.split("/")[1]
    dataset = Dataset(name, unit.digests.data[:36], source_type="s3", source=f'{{"uri": "{target.dataset}"}}')
    return DatasetInput(dataset, tags=[InputTag("mlflow.data.context", "fine-tune")])
