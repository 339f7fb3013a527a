"""What Prefect's UI shows of a flow run: how far a fine-tune is, and what was decided.

Only for people: a Prefect server that does not answer costs a warning, never an absorb.
"""

import logging
from collections.abc import Callable, Sequence
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

    def __init__(self, what: str, *, target: str) -> None:
        self._what, self._key = what, key_of("fine-tune", target)
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
            made = create_progress_artifact(percent, key=self._key, description=said)
            self._artifact = cast("UUID", made)  # a coroutine only when called from async code
        else:
            update_progress_artifact(self._artifact, percent, description=said)


def show_decisions(target: str, newest: Sequence[Decided]) -> None:
    """Show a target's newest decisions, newest first, as one table in Prefect's UI.

    Each decision writes the table anew under the target's key, so that the newest artifact tells all.
    """
    if current_flow_run() is None or not newest:
        return
    key = key_of("decision", target)
    said = f"**{_name(newest[0])}**: " + "\n".join(decision_lines(newest[0]))
    table = [row_of(decided) for decided in newest]
    _shown(lambda: create_table_artifact(table, key=key, description=said))


def key_of(what: str, target: str) -> str:
    """Give the key of a target's artifact; Prefect refuses underscores there."""
    return f"{what}-{target.replace('_', '-')}"


def _name(decided: Decided) -> str:
    source = decided.source
    return f"{source.series} {source.period.label} r{source.rev}" if source else decided.reason.object


def row_of(decided: Decided) -> dict[str, str]:
    """Lay out a decision as a row for people: which source, what was decided and why, how well it does."""
    source, figures = decided.source, decided.figures
    return {
        "period": source.period.label if source else "",
        "source": f"{source.series} r{source.rev}" if source else decided.reason.object,
        "decision": decided.decision,
        "reason": decided.reason_code,
        "gate accuracy": _percent(figures.get("gate_accuracy")),
        "test accuracy": _percent(figures.get("test_accuracy")),
        "version": str(decided.registry_version or ""),
        "lineage": decided.lineage,
        "at": f"{decided.at:%Y-%m-%d %H:%M}",
    }


def _percent(accuracy: float | None) -> str:
    return "" if accuracy is None else f"{accuracy:.1%}"


def _shown(show: Callable[[], object]) -> bool:
    try:
        with translated():
            show()
    except (OrchestrationUnavailable, OrchestrationRefused) as error:
        log.warning("%s; the absorb goes on, Prefect's UI shows less of it", error)
        return False
    return True
