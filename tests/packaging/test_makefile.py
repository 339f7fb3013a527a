"""What make gives to the programs that it starts."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_make_lets_python_keep_its_bytecode():
    """Where an image forbids it, every process would compile torch, MLflow and Prefect anew."""
    shown = subprocess.run(
        ["make", "--silent", "--eval", "show: ; @env", "show"],
        cwd=ROOT,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "PATH=" in shown.stdout
    assert "PYTHONDONTWRITEBYTECODE" not in shown.stdout
