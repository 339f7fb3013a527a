"""CLEAR's own metrics: how models over time do on periods before, at and after theirs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tasks.studies.cell import Row


@dataclass(frozen=True, kw_only=True, slots=True)
class Transfers:
    """Mean accuracies in [0, 1]; None where there is no such pair of a model and a period."""

    in_domain: float | None  # on the period of the source that came last
    next_domain: float | None  # on the period right after it
    backward: float | None  # on all periods before it
    forward: float | None  # on all periods after it


def transfers(matrix: Sequence[Row]) -> Transfers:
    """Take the four means of an accuracy matrix: diagonal, superdiagonal, below and above the diagonal.

    matrix: one row per model, one column per period, both in order of time; periods that come after the
    last model, as a target's does, may follow.
    Source: Lin et al., "The CLEAR Benchmark", arXiv:2201.06289.
    """
    places = [(number - model, value) for model, row in enumerate(matrix) for number, value in enumerate(row)]
    return Transfers(
        in_domain=_mean(value for ahead, value in places if ahead == 0),
        next_domain=_mean(value for ahead, value in places if ahead == 1),
        backward=_mean(value for ahead, value in places if ahead < 0),
        forward=_mean(value for ahead, value in places if ahead > 0),
    )


def _mean(values: Iterable[float]) -> float | None:
    found = list(values)
    return sum(found) / len(found) if found else None
