"""How tests are shared out between processes."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from coverage import CoverageData

from tests.lanes import APART, SHARED, together, unmarked

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


def test_coverage_of_the_fast_tests_leaves_out_what_others_run(tmp_path: Path):
    (tmp_path / "room.py").write_text(
        "def a():\n    return 1\n\n\ndef b():\n    return 2\n\n\ndef c():\n    return 3\n"
    )
    (tmp_path / "test_room.py").write_text(
        "import pytest, room\n"
        "def test_a(): assert room.a() == 1\n"
        "@pytest.mark.integration\ndef test_b(): assert room.b() == 2\n"
        "def test_c(): assert room.c() == 3\n"
    )
    coverage = [sys.executable, "-m", "coverage", "run", f"--include={tmp_path}/room.py"]
    pytest_alone = ["-m", "pytest", "-q", "-p", "tests.fast_coverage", "-o", "markers=integration"]
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COVERAGE_"))}
    subprocess.run(
        [*coverage, *pytest_alone],
        cwd=tmp_path,
        env=own | {"COVERAGE_OF": "fast", "PYTHONPATH": str(TESTS.parent)},
        check=True,
        capture_output=True,
    )
    measured = CoverageData(str(tmp_path / ".coverage"))
    measured.read()
    assert {2, 10} <= {*measured.lines(str(tmp_path / "room.py"))}
    assert 6 not in measured.lines(str(tmp_path / "room.py"))


class Item:
    """A test as pytest collects it."""

    nodeid = "test_x.py::test_x"

    def __init__(self, *fixtures: str, marks: tuple[str, ...] = ()) -> None:
        self.fixturenames, self._marks = fixtures, marks

    def get_closest_marker(self, name: str) -> bool:
        return name in self._marks


def test_a_test_that_starts_a_server_is_no_unit_test():
    assert unmarked([Item("tmp_path", "mlflow_server")]) == [Item.nodeid]
    assert unmarked([Item("tmp_path", "moto"), Item("mlflow_server", marks=("integration",))]) == []
