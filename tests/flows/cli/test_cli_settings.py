"""A command without its settings, or with Prefect down, says which setting in one line and starts nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from flows.cli.app import ENVIRONMENT
from tasks.contracts.target import Target
from tasks.journal.targets import create_target
from tests.servers.fixtures import free_port

pytestmark = pytest.mark.slow

GRASP = [sys.executable, "-c", "from flows.cli.app import main; main()"]
ROOT = Path(__file__).parents[3]


@pytest.fixture
def grasp(tmp_path: Path):
    """Run the command line in an empty directory, with a Prefect home of its own and nothing else set."""

    def run(*arguments: str, **settings: str) -> list[str]:
        plain = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
        own = {"PYTHONPATH": str(ROOT), "PREFECT_HOME": str(tmp_path / "prefect")}
        done = subprocess.run(
            [*GRASP, *arguments],
            cwd=tmp_path,
            env=plain | own | settings,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1
        assert done.stdout == ""
        assert not list((tmp_path / "prefect").glob("prefect.db*"))  # no server of its own
        return done.stderr.splitlines()

    return run


@pytest.fixture
def settings(store) -> dict[str, str]:
    """A bucket with a target, and an MLflow that nobody asks."""
    from tests.flows.conftest import ARCHITECTURE, INPUT, _dataset, digits

    target = Target(
        name="t",
        series=("digits",),
        architecture=ARCHITECTURE,
        classes=digits.CLASSES,
        input=INPUT,
        dataset=_dataset(store),
    )
    create_target(store, target)
    return {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}


@pytest.mark.parametrize("command", [["watch", "--once"], ["absorb", "--target", "t"]])
def test_a_missing_setting_is_named_in_one_line(grasp, command: list[str]):
    (line,) = grasp(*command)
    assert line.startswith("grasp: GRASP_BUCKET is not set")


@pytest.mark.parametrize("command", [["watch", "--once"], ["absorb", "--target", "t"]])
def test_without_an_address_no_prefect_server_is_started(grasp, settings, command: list[str]):
    assert grasp(*command, **settings) == [
        "grasp: PREFECT_API_URL is not set; set it in the environment or in .env"
    ]


@pytest.mark.slow
@pytest.mark.parametrize("command", [["watch", "--once"], ["absorb", "--target", "t"]])
def test_a_prefect_server_that_is_down_is_one_line_with_its_address(grasp, settings, command: list[str]):
    address = f"http://127.0.0.1:{free_port()}/api"
    (line,) = grasp(*command, **settings, PREFECT_API_URL=address)
    assert line.startswith(f"grasp: PREFECT_API_URL is {address}: no Prefect server answers there")


def test_libraries_print_no_bars_and_no_addresses():
    assert ENVIRONMENT["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] == "false"
    assert ENVIRONMENT["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] == "true"
