"""CLEAR's metrics against a matrix worked out by hand."""

import pytest

from tasks.studies.transfers import transfers

MATRIX = (  # three models, four periods
    (0.9, 0.8, 0.7, 0.6),
    (0.5, 0.8, 0.6, 0.4),
    (0.3, 0.4, 0.7, 0.5),
)


def test_the_four_means_are_those_of_diagonal_superdiagonal_and_both_triangles():
    found = transfers(MATRIX)
    assert found.in_domain == pytest.approx((0.9 + 0.8 + 0.7) / 3)
    assert found.next_domain == pytest.approx((0.8 + 0.6 + 0.5) / 3)
    assert found.backward == pytest.approx((0.5 + 0.3 + 0.4) / 3)
    assert found.forward == pytest.approx((0.8 + 0.7 + 0.6 + 0.6 + 0.4 + 0.5) / 6)


def test_a_square_matrix_is_the_benchmarks_own():
    found = transfers([row[:3] for row in MATRIX])
    assert found.next_domain == pytest.approx((0.8 + 0.6) / 2)
    assert found.forward == pytest.approx((0.8 + 0.7 + 0.6) / 3)


def test_what_no_pair_of_model_and_period_says_is_none():
    assert transfers([(0.5, 0.7)]).backward is None
    assert transfers([(0.5,)]).forward is None
