"""The documentation's commands, run as a reader would, with real servers: exit codes and what they print."""

import os
import subprocess
import sys
from pathlib import Path
from secrets import token_hex

import pytest

from deployments.marks import VARIABLE, end_marked
from tests.docs.blocks import expected
from tests.docs.story import ends_of_logs, outputs, seconds, tell, told

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1800)]
FOREIGN = ("AWS_", "GRASP_", "MLFLOW_", "PREFECT_")


def test_the_tutorial_and_the_guides_that_go_on_from_it_run_and_print_what_they_say(
    tmp_path: Path, record_property
):
    mark = token_hex(16)
    own = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    environment = {
        **own,
        VARIABLE: mark,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PREFECT_HOME": str(tmp_path / "home"),
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "DO_NOT_TRACK": "1",
        "OMP_NUM_THREADS": "1",
    }
    try:
        code, printed = tell("tutorial", tmp_path, environment, within_s=1700)
    finally:
        subprocess.run(["grasp", "down"], cwd=tmp_path, env=environment, check=False)
        end_marked(mark)
    assert code == 0, ends_of_logs(tmp_path)
    printed_by = outputs(printed)
    lines = [f"{taken:5} s  {where}" for where, taken in seconds(printed).items()]
    record_property("seconds", lines)
    sys.stdout.write("\n".join(lines) + "\n")
    for block in told("tutorial"):
        for pattern in expected(block):
            assert pattern.search(printed_by[block.where]), (
                f"{block.where}: {pattern.pattern}\n{printed_by[block.where]}"
            )
