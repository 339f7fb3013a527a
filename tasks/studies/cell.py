"""One cell of a study: one peer in one setting with one seed."""

from dataclasses import dataclass

Row = tuple[float, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """What a peer reached. Accuracies lie in [0, 1].

    accuracies: on the target's test split, after each source. matrix: after each source (rows), on the test
    split of every period in order of time, the target's last (columns); empty where only the target was
    tested. wall_s: seconds that went by for the peer, tests not counted; 0 where only the CPU was measured.
    """

    setting: str
    seed: int
    peer: str
    accuracies: Row
    gradient_passes: int
    cpu_s: float
    wall_s: float = 0.0
    matrix: tuple[Row, ...] = ()
