"""`grasp serve` follows the alias: promotions and rollbacks take effect, what stands in the way does not."""

import shutil
from pathlib import Path

import pytest
import torch

from flows.absorb import absorb
from tasks.absorbing.work import open_work
from tasks.contracts.target import AbsorbSettings
from tasks.errors import GraspError, NotThere
from tasks.operations.operate import promote, roll_back
from tasks.operations.serve.followed import Followed
from tests.flows.conftest import World

pytestmark = pytest.mark.integration


def test_the_alias_is_followed_and_what_cannot_be_loaded_changes_nothing(world: World, mlflow_server):
    torch.set_num_threads(1)
    world.replace_target(absorb=AbsorbSettings(mode="reference", lr=1e-3, epochs=1, initial_epochs=1))
    work, name = open_work(world.target.name, by="test"), world.target.name
    with pytest.raises(NotThere, match="nothing to serve"):
        Followed(work.mlflow, name, on_swap=lambda _: None)
    for number in (1, 2):
        world.publish(number, year=2000 + number)
        absorb(name)

    swaps: list[int] = []
    followed = Followed(work.mlflow, name, on_swap=swaps.append)
    assert not followed.look()
    roll_back(work, 1, reason="worse at night")
    assert followed.look()
    assert followed.served.classifier.signature.classes == world.target.classes

    promote(work, 2, reason="repaired")
    source = work.mlflow.get_model_version(name, "2").source
    gone = next(p for p in Path(mlflow_server.artifacts).rglob(source.rpartition("/")[2]) if p.is_dir())
    shutil.rmtree(gone)
    with pytest.raises(GraspError):
        followed.look()
    assert (followed.served.registry_version, swaps) == (1, [2, 1])
