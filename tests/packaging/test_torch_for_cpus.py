"""`make setup TORCH=cpu`, and what is said without it; nothing is installed here."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with uv and nothing else."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    uv = tmp_path / ".venv" / "bin" / "uv"
    uv.parent.mkdir(parents=True)
    uv.write_text('#!/bin/sh\necho "uv $@"\n')
    uv.chmod(0o755)
    (tmp_path / ".venv" / "uv").touch()
    return tmp_path


def setup(clone: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = ["make", "-C", str(clone), "setup", *options]
    # whoever runs the tests may be a make with options of its own
    alone = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(command, env=alone, capture_output=True, text=True, check=True)


def test_a_cpu_build_is_asked_for_by_name(clone: Path):
    done = setup(clone, "TORCH=cpu")
    assert "--torch-backend cpu" in done.stdout
    assert "GB" not in done.stderr


def test_what_cuda_takes_is_said_before_anything_is_installed(clone: Path):
    done = setup(clone, "GPU=")
    assert "--torch-backend" not in done.stdout
    assert "3 GB to download, 5 GB on disk; make setup TORCH=cpu" in done.stderr


def test_a_machine_with_a_gpu_is_told_nothing(clone: Path):
    assert setup(clone, "GPU=/dev/nvidia0").stderr == ""
