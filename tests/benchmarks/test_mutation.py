from collections import Counter

import pytest

from benchmarks.mutation.__main__ import count, share

SAID = """
    tasks.journal.fold.x_fold__mutmut_1: killed
    tasks.journal.fold.x_fold__mutmut_2: survived
    tasks.journal.fold.xǁFoldǁgo__mutmut_1: timeout
    grasp_core.growth.stem.x__take__mutmut_12: no tests
"""


def test_mutants_are_counted_by_module():
    assert count(SAID.splitlines()) == {
        "tasks.journal.fold": Counter(killed=1, survived=1, timeout=1),
        "grasp_core.growth.stem": Counter({"no tests": 1}),
    }


@pytest.mark.parametrize(
    ("found", "percent"),
    [
        (Counter(killed=3, survived=1), 75),
        (Counter(timeout=1), 100),
        (Counter({"no tests": 2}), 0),
        (Counter(), 0),
    ],
)
def test_what_no_test_runs_is_not_noticed(found: Counter, percent: float):
    assert share(found) == percent
