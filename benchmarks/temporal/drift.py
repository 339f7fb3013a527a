"""The drift itself: linear probes on frozen features, each trained on one period and tested on all."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.temporal.features import Period

SHRINKAGE = 0.01  # of scikit-learn's C: features are many, pictures few


@dataclass(frozen=True, slots=True)
class Drift:
    """accuracies, in percent, of a probe of one period (rows) on the test pictures of another (columns)."""

    periods: tuple[str, ...]
    accuracies: tuple[tuple[float, ...], ...]
    splits: int


def drift(found: tuple[Period, ...], tests: Collection[frozenset[str]]) -> Drift:
    """Probe each period on each; means over several sets of identities, tested on and never trained on."""
    means = 100 * np.mean([_matrix(found, held) for held in tests], axis=0)
    rows = tuple(tuple(round(float(value), 1) for value in row) for row in means)
    return Drift(tuple(period.label for period in found), rows, len(tests))


def _matrix(found: tuple[Period, ...], held: frozenset[str]) -> NDArray[np.float64]:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    shown = [(period.pooled[:, :, 0, 0].astype(np.float32), period.labels) for period in found]
    tested = [np.array([name in held for name in period.identities]) for period in found]
    matrix = np.zeros((len(found), len(found)))
    for row, (seen, labels) in enumerate(shown):
        probe = make_pipeline(StandardScaler(), LogisticRegression(C=SHRINKAGE, max_iter=300))
        probe.fit(seen[~tested[row]], labels[~tested[row]])
        for column, (other, truth) in enumerate(shown):
            matrix[row, column] = probe.score(other[tested[column]], truth[tested[column]])
    return matrix
