"""A target that two processes absorb into together: a killed one is tried again, and the lineage says two."""

from typing import Any

import psutil
import pytest
from mlflow import MlflowClient

from flows.absorb import absorb
from grasp_core.progress import Epoch
from tasks.absorbing import steps
from tasks.absorbing.work import open_work
from tasks.candidates.ranks import launch
from tasks.candidates.ranks.elastic import RANK
from tasks.contracts.target import AbsorbSettings, Target
from tasks.lineages.verify import verify
from tasks.tracking.logged import read_logged
from tests.flows.conftest import World

pytestmark = pytest.mark.integration
ENDLESS = AbsorbSettings(mode="reference", initial_epochs=10_000)  # minutes


def test_a_killed_rank_is_tried_again_and_its_version_is_verified_by_as_many_ranks(
    world: World, mlflow_server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    world.replace_target(devices=2, absorb=AbsorbSettings(mode="reference", initial_epochs=2))
    source = world.publish(1, year=2001)
    seen: dict[int, psutil.Process] = {}

    def kill(_: Epoch) -> None:
        if not seen:
            seen.update(ranks())
            seen[1].kill()

    def killed_once(target: Target, *args: Any, **kwargs: Any) -> Any:
        if not seen:
            target, kwargs = target.model_copy(update={"absorb": ENDLESS}), kwargs | {"on_epoch": kill}
        return launch.absorb_over(target, *args, **kwargs)

    monkeypatch.setattr(steps, "absorb_over", killed_once)
    absorb(world.target.name)
    assert sorted(seen) == [0, 1]
    assert not any(each.is_running() for each in seen.values())
    assert f"rank 1 of 2 (process {seen[1].pid}) was killed by SIGKILL while it absorbed" in caplog.text

    (decided,) = world.decided()
    assert (decided.arrival_id, decided.decision) == (source.arrival_id, "promoted")
    client = MlflowClient(tracking_uri=mlflow_server.uri, registry_uri=mlflow_server.uri)
    outcome = read_logged(client, decided.mlflow_run_id).outcome
    assert outcome.environment["devices"] == "2"
    assert client.get_run(decided.mlflow_run_id).data.tags["environment.devices"] == "2"

    world.replace_target(devices=None)  # what the lineage says counts
    found = list(verify(open_work(world.target.name, by="test"), 1))
    assert [(each.version, each.same, each.unlike) for each in found] == [(1, True, ())]
    assert ranks() == {}


def ranks() -> dict[int, psutil.Process]:
    below = [each for each in psutil.Process().children() if RANK in each.cmdline()]
    return {int(each.environ()["RANK"]): each for each in below}
