"""Refit of the best source: guarded mode's fine-tuning with nothing transferred."""

from dataclasses import replace

from grasp_core.peers.grasp import Grasp
from grasp_core.peers.peer import Task


class RefitBestSource(Grasp):
    """Keep the source with the lowest cross-entropy on all labels, fine-tuned as guarded mode does.

    The honest competitor of guarded GRASP: all it lacks is the transfer. Costs the fine-tune alone.
    """

    def __init__(self, task: Task) -> None:
        super().__init__(replace(task, config=replace(task.config, mode="guarded", alphas=(0.0,))))
