"""What controls of the transfer share: guarded mode, told which elements may move, or how far tensors go."""

from grasp_core.absorbed import Absorbed
from grasp_core.growth.stem import Compare
from grasp_core.growth.way import Choose, line
from grasp_core.guarded import absorb_guarded
from grasp_core.peers.grasp import Grasp
from grasp_core.peers.peer import Load
from grasp_core.progress import SILENT


class Masked(Grasp):
    """Guarded GRASP with another transfer."""

    def guarded(
        self, load_source: Load, *, compare: Compare | None = None, choose: Choose = line
    ) -> Absorbed:
        """Absorb as guarded mode does; compare gives the elements that may move, choose how far."""
        task = self.task
        return absorb_guarded(
            self.model,
            load_source,
            task.data,
            config=task.config,
            snapshots=task.snapshots,
            progress=SILENT,
            compare=compare,
            choose=choose,
        )
