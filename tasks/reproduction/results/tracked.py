"""A reproduction in MLflow: one experiment, one run per cell, found again by its name."""

import time
from collections.abc import Iterable

from mlflow import MlflowClient
from mlflow.entities import Metric, Param

from tasks.errors import NotThere, TransientError
from tasks.reproduction.study import Study
from tasks.reproduction.telling import Say
from tasks.reproduction.worlds.world import World
from tasks.studies.cell import Cell
from tasks.studies.transfers import transfers
from tasks.tracking.api import answering
from tasks.tracking.experiments import experiment_of, runs_of

COMPLETE = "complete"  # a tag, written last
MOST = 500  # metrics in one request


class Tracked:
    """Logs cells. While MLflow is away they wait: for the next cell, the end, or the next run."""

    def __init__(self, client: MlflowClient, study: Study, world: World, *, key: str, say: Say) -> None:
        """Find or make the experiment. key: names the study among others of its data set.

        Raises NotThere when a person deleted the experiment, TrackingRefused, TrackingUnavailable.
        """
        self._client, self._study, self._world, self._say = client, study, world, say
        self._key = key
        self.experiment = f"reproduce-{study.dataset}"
        with answering(f"experiment {self.experiment}"):
            there = client.get_experiment_by_name(self.experiment)
            if there is not None and there.lifecycle_stage != "active":
                raise NotThere(
                    f"experiment {self.experiment}: was deleted in MLflow; restore it: mlflow experiments "
                    f"restore --experiment-id {there.experiment_id}, or add --no-mlflow; nothing was done"
                )
            self._id = experiment_of(client, self.experiment)
            found = {run.data.tags["cell"]: run for run in runs_of(client, self._id, f"tags.study = '{key}'")}
        self._begun = {cell: run.info.run_id for cell, run in found.items()}
        self._logged = {cell for cell, run in found.items() if COMPLETE in run.data.tags}
        self._away = False

    def log(self, cells: Iterable[Cell]) -> int:
        """Log the cells that are not there yet; give how many had to wait."""
        waiting = [cell for cell in cells if _name(cell) not in self._logged]
        while waiting:
            try:
                self._log(waiting[0])
            except TransientError as error:
                if not self._away:
                    self._say(f"warning: {error}; the study goes on, its cells are logged later")
                self._away = True
                return len(waiting)
            self._away = False
            self._logged.add(_name(waiting.pop(0)))
        return 0

    def _log(self, cell: Cell) -> None:
        client, name = self._client, _name(cell)
        params = self._study.model_dump(mode="json") | {
            "architecture": cell.setting,
            "peer": cell.peer,
            "seed": cell.seed,
        }
        tags = {"kind": "reproduction", "study": self._key, "cell": name}
        with answering(f"cell {name}"):
            if name not in self._begun:
                self._begun[name] = client.create_run(self._id, run_name=name, tags=tags).info.run_id
            run_id = self._begun[name]
            metrics = self._metrics(cell)
            for start in range(0, len(metrics), MOST):
                client.log_batch(run_id, metrics=metrics[start : start + MOST])
            client.log_batch(run_id, params=[Param(key, str(value)) for key, value in params.items()])
            client.set_terminated(run_id)
            client.set_tag(run_id, COMPLETE, "yes")

    def _metrics(self, cell: Cell) -> list[Metric]:
        at_ms, found = time.time_ns() // 1_000_000, transfers(cell.matrix)
        last = {
            "final_accuracy": cell.accuracies[-1],
            "in_domain": found.in_domain,
            "next_domain": found.next_domain,
            "backward_transfer": found.backward,
            "forward_transfer": found.forward,
            "gradient_passes": cell.gradient_passes,
            "cpu_s": cell.cpu_s,
            "wall_s": cell.wall_s,
        }
        metrics = [Metric(name, value, at_ms, 0) for name, value in last.items() if value is not None]
        periods = (*self._world.sources, self._world.target)
        for number, row in enumerate(cell.matrix, start=1):
            metrics.append(Metric("accuracy", row[-1], at_ms, number))
            metrics += [
                Metric(f"accuracy/{period}", value, at_ms, number)
                for period, value in zip(periods, row, strict=True)
            ]
        return metrics


def _name(cell: Cell) -> str:
    return f"{cell.setting}/seed-{cell.seed}/{cell.peer}"
