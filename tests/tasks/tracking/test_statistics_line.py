"""People read which batch-norm statistics a model serves with, and why."""

import pytest

from tasks.candidates.outcome import Outcome
from tasks.tracking.model_card import statistics_line


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (1.0, "measured on the target's labels"),
        (0.5, "half of the source's"),
        (0.0, "the source's statistics"),
    ],
)
def test_the_line_says_whose_statistics_they_are(share: float, said: str):
    (line,) = statistics_line(Outcome.model_construct(statistics=share))
    assert said in line


def test_a_model_without_batch_norm_has_no_such_line():
    assert statistics_line(Outcome.model_construct(statistics=None)) == []
