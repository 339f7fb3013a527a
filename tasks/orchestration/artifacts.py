"""What Prefect's UI shows of a flow run: how far a fine-tune is, and what was decided.

Only for people: a Prefect server that does not answer costs a warning, never an absorb.
"""

import logging
from collections.abc import Callable
from typing import cast
from uuid import UUID

from prefect.artifacts import create_progress_artifact, create_table_artifact, update_progress_artifact

from grasp_core.progress import Epoch
from tasks.contracts.journal import Decided
from tasks.errors import OrchestrationRefused, OrchestrationUnavailable
from tasks.journal.wording import decision_lines
from tasks.orchestration.absorb_runs import current_flow_run
from tasks.orchestration.flow_runs import translated
from tasks.throttle import Throttle

log = logging.getLogger(__name__)


class FineTuneProgress:
    """Shows how far a fine-tune is, as a progress artifact of this flow run; once a second at most."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._shows = current_flow_run() is not None
        self._throttle = Throttle()
        self._artifact: UUID | None = None

    def tell(self, epoch: Epoch) -> None:
        """Hear that an epoch ended."""
        done = (epoch.fold - 1) * epoch.epochs + epoch.epoch
        whole = epoch.folds * epoch.epochs
        if not self._shows or not (self._throttle.is_due() or done == whole):
            return
        fold = f"fold {epoch.fold} of {epoch.folds}, " if epoch.folds > 1 else ""
        said = (
            f"{self._what}: {fold}epoch {epoch.epoch} of {epoch.epochs}, "
            f"val accuracy {epoch.val_accuracy:.4f}, val loss {epoch.val_loss:.4f}"
        )
        self._shows = _shown(lambda: self._show(100 * done / whole, said))
        self._throttle.told()

    def _show(self, percent: float, said: str) -> None:
        if self._artifact is None:
            made = create_progress_artifact(percent, key="fine-tune", description=said)
            self._artifact = cast("UUID", made)  # a coroutine only when called from async code
        else:
            update_progress_artifact(self._artifact, percent, description=said)


def show_decision(target: str, decided: Decided) -> None:
    """Show a decision as a table in Prefect's UI: the newest of a target under one key, with its history."""
    if current_flow_run() is None:
        return
    key = f"decision-{target.replace('_', '-')}"  # Prefect refuses underscores here
    _shown(
        lambda: create_table_artifact(
            rows_of(decided), key=key, description="\n".join(decision_lines(decided))
        )
    )


def rows_of(decided: Decided) -> list[dict[str, str]]:
    """Lay out what was decided and the figures that it was decided from."""
    source = decided.source
    facts = {
        "decision": f"{decided.decision} ({decided.reason_code})",
        "source": f"{source.series} {source.period.label} r{source.rev}" if source else decided.reason.object,
        "lineage, index": f"{decided.lineage}, {decided.index or 'none'}",
        "version": str(decided.registry_version or "none"),
        "parent version": str(decided.parent_version or "none"),
        "MLflow run": decided.mlflow_run_id or "none",
    }
    figures = {name.replace("_", " "): f"{value:.6g}" for name, value in sorted(decided.figures.items())}
    return [{"what": name, "value": value} for name, value in (facts | figures).items()]


def _shown(show: Callable[[], object]) -> bool:
    try:
        with translated():
            show()
    except (OrchestrationUnavailable, OrchestrationRefused) as error:
        log.warning("%s; the absorb goes on, Prefect's UI shows less of it", error)
        return False
    return True
