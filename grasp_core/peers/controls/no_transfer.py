"""No transfer: the published loop with nothing taken from any source but the first."""

from dataclasses import replace

from grasp_core.peers.grasp import Grasp
from grasp_core.peers.peer import Task

NEVER = 1.0  # a threshold that no cosine lies above


class NoTransfer(Grasp):
    """GRASP's reference loop with an unreachable threshold: the target is fine-tuned once per source.

    The control that any alignment must beat. Costs what the published procedure costs.
    Source: DESIGN section 5.
    """

    def __init__(self, task: Task) -> None:
        super().__init__(replace(task, config=replace(task.config, mode="reference", threshold=NEVER)))
