"""Whoever is killed while weights lie in a temporary directory leaves nothing that is not swept later."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from flows.absorb import absorb
from tasks.absorbing.work import open_work
from tasks.private import GRACE_S
from tests.flows.conftest import World

pytestmark = [pytest.mark.chaos, pytest.mark.integration]
ROOT = Path(__file__).parents[2]
ABSORB = "from flows.absorb import absorb; absorb({target!r})"
MEASURE = (
    "from tasks.absorbing.measure import measure_version; from tasks.absorbing.work import open_work; "
    "measure_version(open_work({target!r}, by='test'), 1)"
)


@pytest.mark.parametrize(
    ("module", "dies_after", "does", "absorbed"),
    [
        ("tasks.tracking.logged", "log_model", ABSORB, False),
        ("tasks.registry.stored", "fetch_version", ABSORB, False),
        ("tasks.absorbing.measure", "fetch_known", MEASURE, True),
    ],
)
def test_weights_of_the_killed_lie_where_the_next_one_sweeps(
    module: str, dies_after: str, does: str, absorbed: bool, world: World, prefect_api, tmp_path: Path
):
    world.publish(1, year=2001)
    if absorbed:
        absorb(world.target.name)
    (tmp_path / "tmp").mkdir()
    code = f"from tests.flows.dying import after; import {module}, signal; "
    code += f"after({module}, {dies_after!r}, signal.SIGKILL); {does.format(target=world.target.name)}"
    environment = os.environ | {"PREFECT_API_URL": prefect_api, "TMPDIR": str(tmp_path / "tmp")}
    killed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=False)
    assert killed.returncode == -signal.SIGKILL

    assert list((tmp_path / "tmp").rglob("*.safetensors")) == []
    assert list((world.cache_dir / "work").rglob("*.safetensors"))
    for left in (world.cache_dir / "work").iterdir():
        os.utime(left, times=(left.stat().st_atime, left.stat().st_mtime - 2 * GRACE_S))
    with open_work(world.target.name, by="test").directory() as mine:
        assert list((world.cache_dir / "work").iterdir()) == [mine]
