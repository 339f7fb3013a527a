"""What controls of the mask share: guarded mode, told which elements may move."""

from grasp_core.absorbed import Absorbed
from grasp_core.guarded import absorb_guarded
from grasp_core.peers.grasp import Grasp
from grasp_core.peers.peer import Load
from grasp_core.progress import SILENT
from grasp_core.stem import Compare


class Masked(Grasp):
    """Guarded GRASP with a mask that is not the alignment's."""

    def guarded(self, load_source: Load, compare: Compare) -> Absorbed:
        """Absorb as guarded mode does; compare gives the elements that may move."""
        task = self.task
        return absorb_guarded(
            self.model,
            load_source,
            task.data,
            config=task.config,
            snapshots=task.snapshots,
            progress=SILENT,
            compare=compare,
        )
