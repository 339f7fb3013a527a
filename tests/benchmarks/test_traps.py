"""The traps are what they say they are, and one that was fatal no longer is."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from benchmarks.traps import traps
from benchmarks.traps.__main__ import cells
from benchmarks.traps.table import report
from benchmarks.traps.traps import SCALE, lay
from grasp_core.models.batchnorm import tracking
from grasp_core.models.evaluate import predict
from tasks.studies.cell import Cell

pytestmark = pytest.mark.slow


@pytest.fixture
def quick(monkeypatch):
    """Sources that have hardly been trained: enough to see what they are."""
    monkeypatch.setattr(traps, "TRAINING", replace(traps.TRAINING, epochs=3, warm_up_epochs=0))


@pytest.mark.usefixtures("quick")
def test_sources_of_another_scale_say_the_same_with_other_weights():
    plain, scaled = lay("a class with two labels", seed=0), lay("sources of another scale", seed=0)
    one, other = plain.sources[1], scaled.sources[1]
    assert torch.equal(predict(one, plain.test), predict(other, plain.test))
    assert torch.allclose(SCALE * one.state_dict()["conv1.weight"], other.state_dict()["conv1.weight"])


@pytest.mark.usefixtures("quick")
def test_labels_are_those_that_the_trap_leaves():
    five = lay("labels of five classes", seed=0).data
    assert len(torch.cat([five.train.labels, five.val.labels]).unique()) == 5
    two = lay("a class with two labels", seed=0).data
    assert torch.bincount(torch.cat([two.train.labels, two.val.labels]), minlength=10).min() == 2


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("name", ["layer norm", "attention", "frozen batch norm"])
def test_networks_without_statistics_of_their_own_have_none(name: str):
    assert tracking(lay(name, seed=0).sources[0]) == []


@pytest.mark.slow
def test_batch_norm_on_sparse_features_does_not_destroy_what_came():
    """With statistics of sixty labels alone the model lost six points; those that came are kept now."""
    found = {cell.peer: cell.accuracies for cell in cells("batch norm on sparse features", seed=0)}
    assert np.mean(found["guarded"]) > np.mean(found["as it came"]) - 0.01


def test_the_table_says_how_far_guarded_is_behind_the_better_rival():
    def cell(peer: str, seed: int, accuracy: float) -> Cell:
        return Cell(
            setting="20 labels", seed=seed, peer=peer, accuracies=(0.0, accuracy), gradient_passes=1, cpu_s=1
        )

    reached = {"guarded": (0.5, 0.6), "as it came": (0.4, 0.4), "best_source": (0.52, 0.61)}
    made = [cell(peer, seed, value) for peer, values in reached.items() for seed, value in enumerate(values)]
    assert "| 20 labels | 55.0 ± 7.1 | 40.0 ± 0.0 | 56.5 ± 6.4 | +1.5 | +3.0 |" in report(made)
