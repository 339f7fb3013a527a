"""Two registered versions held against each other, on the target's data of today."""

from dataclasses import dataclass

import numpy as np

from tasks.absorbing.measure import measured_version
from tasks.absorbing.work import Work
from tasks.candidates.gate import Correct, p_worse
from tasks.data.datasets import load_dataset
from tasks.journal.history import Historian, History, source_name


@dataclass(frozen=True, kw_only=True, slots=True)
class Side:
    """One version. sources: those that it descends from and the other does not, oldest first."""

    registry_version: int
    gate_accuracy: float
    test_accuracy: float
    sources: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassChange:
    """One class on the gate split: accuracy of either version, in [0, 1]."""

    name: str
    samples: int
    first: float
    second: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """gained, lost: gate samples that only the second, or only the first version gets right.

    p_worse, p_better: one-sided exact McNemar p-values of the second version against the first.
    """

    first: Side
    second: Side
    gate_samples: int
    gained: int
    lost: int
    p_worse: float
    p_better: float
    classes: tuple[ClassChange, ...]


def compare(work: Work, first: int, second: int) -> Comparison:
    """Measure both versions here and now, so that versions of other data compare.

    Raises NotThere when a version or its bytes are gone, StoredDiffers when they are others.
    """
    history = Historian(work.journal).read()
    ours = {version: _sources(history, version) for version in (first, second)}
    one, other = measured_version(work, first), measured_version(work, second)
    dataset = load_dataset(work.store, work.target.dataset, cache_dir=work.settings.cache_dir)
    labels = np.asarray(dataset.splits["gate"].labels)

    def side(version: int, rival: int) -> Side:
        measured = one if version == first else other
        only = tuple(source for source in ours[version] if source not in ours[rival])
        return Side(
            registry_version=version,
            gate_accuracy=measured.gate.accuracy,
            test_accuracy=measured.test.accuracy,
            sources=only,
        )

    return Comparison(
        first=side(first, second),
        second=side(second, first),
        gate_samples=len(labels),
        gained=int(np.sum(other.correct & ~one.correct)),
        lost=int(np.sum(one.correct & ~other.correct)),
        p_worse=p_worse(other.correct, one.correct),
        p_better=p_worse(one.correct, other.correct),
        classes=tuple(
            _change(name, labels == number, one.correct, other.correct)
            for number, name in enumerate(work.target.classes)
        ),
    )


def _sources(history: History, version: int) -> list[str]:
    return [source_name(decided) for decided in history.chain(version)]


def _change(name: str, here: Correct, one: Correct, other: Correct) -> ClassChange:
    samples = int(np.sum(here))
    return ClassChange(
        name=name,
        samples=samples,
        first=float(np.mean(one[here])) if samples else 0.0,
        second=float(np.mean(other[here])) if samples else 0.0,
    )
