"""Sign agreement: guarded mode, where only elements move whose two gradients have the same sign."""

from grasp_core.absorbed import Absorbed
from grasp_core.alignment import agreement
from grasp_core.peers.controls.masked import Masked
from grasp_core.peers.peer import Load


class SignAgreement(Masked):
    """What guarded GRASP was until 0.2: the better of stem and source takes only elements that agree.

    Costs two gradients of all labels more than guarded GRASP. Source: docs/LOG.md (2026-11-21).
    """

    def _absorb(self, load_source: Load) -> Absorbed:
        return self.guarded(load_source, compare=agreement)
