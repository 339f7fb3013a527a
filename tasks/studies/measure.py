"""Let a peer meet sources one by one, and measure what it serves after each and what that costs."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from grasp_core.data.samples import Samples
from grasp_core.models.evaluate import evaluate
from grasp_core.peers.peer import Load, Peer
from tasks.studies.cell import Row

DIGITS = 6  # of an accuracy, in a ledger
TEST_BATCH = 128


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """matrix: accuracy after each source (rows) on each test (columns). Times are of the peer alone."""

    matrix: tuple[Row, ...]
    gradient_passes: int
    cpu_s: float
    wall_s: float


def measure(peer: Peer, loads: Iterable[Load], tests: Sequence[Samples]) -> Measured:
    """Let the peer meet all sources in this order; tests are taken after each, and cost it nothing."""
    matrix, passes, cpu_s, wall_s = [], 0, 0.0, 0.0
    for load in loads:
        begun, at = time.process_time(), time.monotonic()
        passes += peer.meet(load)
        cpu_s += time.process_time() - begun
        wall_s += time.monotonic() - at
        accuracies = (evaluate(peer.model, test.batches(TEST_BATCH)).accuracy for test in tests)
        matrix.append(tuple(round(accuracy, DIGITS) for accuracy in accuracies))
    return Measured(
        matrix=tuple(matrix), gradient_passes=passes, cpu_s=round(cpu_s, 3), wall_s=round(wall_s, 3)
    )
