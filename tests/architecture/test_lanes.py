"""How tests are shared out between processes."""

import re
from pathlib import Path

import pytest

from tests.lanes import APART, SHARED, together

TESTS = Path(__file__).parents[1]
NAMED = [*APART, *(stem for files in SHARED.values() for stem in files)]


@pytest.mark.parametrize("stem", NAMED)
def test_a_file_that_is_named_is_there_once_and_has_one_rule(stem: str):
    assert len(list(TESTS.rglob(f"{stem}.py"))) == 1
    assert NAMED.count(stem) == 1


@pytest.mark.parametrize("stem", APART)
def test_what_may_run_in_any_process_has_no_fixture_that_a_whole_file_shares(stem: str):
    text = next(TESTS.rglob(f"{stem}.py")).read_text()
    assert not re.search(r"scope=.(module|class|package)", text)


def test_a_file_runs_in_one_process_with_those_that_share_its_server():
    assert together("tests/tasks/journal/test_fold.py::test_a[x]") == "tests/tasks/journal/test_fold.py"
    probe, log = "tests/tasks/bucket/test_probe.py::test_a", "tests/tasks/journal/test_log.py::test_b"
    assert together(probe) == together(log) == "rgw"
    assert together("tests/flows/test_chaos.py::test_a") != together("tests/flows/test_chaos.py::test_b")
