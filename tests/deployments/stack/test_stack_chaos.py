"""A short play of chaos on the stack: killed parts, a troubled network, a full disk, a power cut."""

import os
from pathlib import Path

import pytest

from tests.deployments.chaos.stage import Staged

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(1800)]
STRIKES = [
    *("kill worker-gpu", "kill prefect-a", "kill redis", "kill s3", "FLUSHALL"),
    *("cut", "cache disk full", "power cut"),
]


def test_whatever_is_killed_each_good_source_is_absorbed_once_and_each_bad_one_refused(
    on_stage: Staged, monkeypatch: pytest.MonkeyPatch
):
    from tests.deployments.chaos.play import play, settings_of  # torch, MLflow, Prefect: seconds

    for name, value in settings_of(on_stage.stack, "operator").items():
        monkeypatch.setenv(name, value)
    played = play(on_stage, seed=0, count=8, within_s=30, strikes=STRIKES, stopped_s=5)
    assert len(played["struck"]) == len(STRIKES)
    assert on_stage.stack.stop() == 0
    assert not [
        pid for pid in os.listdir("/proc") if pid.isdigit() and works_in(pid, on_stage.stack.directory)
    ]


def works_in(pid: str, directory: Path) -> bool:
    try:
        return Path(os.readlink(f"/proc/{pid}/cwd")).is_relative_to(directory)
    except OSError:
        return False
