"""The simulations of arrivals, in a process that has no threads of other tests' servers when it forks."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SIMULATIONS = "tests/tasks/arrivals/test_detection.py"


@pytest.mark.integration
@pytest.mark.timeout(2400)
def test_no_arrival_is_missed_and_none_is_decided_twice():
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        SIMULATIONS,
        "-m",
        "soak",
        "-k",
        "many or (race and moto)",
    ]
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "PREFECT", "AWS"))
    }
    done = subprocess.run(command, cwd=ROOT, env=clean, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:]
    assert "2 passed" in done.stdout
