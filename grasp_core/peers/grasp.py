"""GRASP itself, guarded or as published, served source by source like its peers."""

import copy

from torch import nn

from grasp_core.absorb import absorb, begin
from grasp_core.absorbed import Absorbed
from grasp_core.models.snapshots import STEM
from grasp_core.peers.peer import Load, Peer

SERVED = "served"


class Grasp(Peer):
    """GRASP in the mode of the task's config. One target, one source at a time.

    Source: GRASP, arXiv:2606.14900 (reference mode); this project (guarded mode).
    """

    met = 0

    def meet(self, load_source: Load) -> int:
        """Absorb the source; an unchanged stem leaves the served model as it was."""
        self.met += 1
        task = self.task
        if self.met == 1:
            absorbed = begin(self.model, load_source, task.data, config=task.config, snapshots=task.snapshots)
        else:
            task.snapshots.load_into(STEM, self.model)
            absorbed = self._absorb(load_source)
        if absorbed.choice == "unchanged":
            task.snapshots.load_into(SERVED, self.model)
        else:
            task.snapshots.save(SERVED, self.model)
        return absorbed.gradient_passes

    def start(self) -> nn.Module:
        """Give the stem, which the target's labels have not trained: they can judge its descendants."""
        stem = copy.deepcopy(self.model)
        if self.met:
            self.task.snapshots.load_into(STEM, stem)
        return stem

    def _absorb(self, load_source: Load) -> Absorbed:
        task = self.task
        return absorb(self.model, load_source, task.data, config=task.config, snapshots=task.snapshots)
