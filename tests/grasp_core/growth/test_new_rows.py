"""Rows for a class that no source knows are learned from the target's labels, and nothing else moves."""

import numpy as np
import pytest
import torch
from torch import nn

from grasp_core.data.samples import Samples
from grasp_core.data.target import TargetData
from grasp_core.errors import IncompatibleSource
from grasp_core.growth.head import widen_into
from grasp_core.growth.new_rows import fit_new_rows
from grasp_core.models.evaluate import evaluate

COLOURS = np.eye(3, dtype=np.uint8) * 200


def samples(*labels: int) -> Samples:
    """Images of one pixel: each class has a colour of its own."""
    images = COLOURS[list(labels)].reshape(-1, 1, 1, 3)
    return Samples(images, np.array(labels), mean=(0.0,) * 3, std=(1.0,) * 3)


def data() -> TargetData:
    return TargetData(samples(*[0, 1, 2] * 4), samples(0, 1, 2))


def network(classes: int) -> nn.Sequential:
    return nn.Sequential(nn.Flatten(), nn.Linear(3, classes))


def widened() -> nn.Sequential:
    two, three = network(2), network(3)
    with torch.no_grad():
        two[1].weight.copy_(torch.tensor([[5.0, 0, 0], [0, 5.0, 0]]))
        two[1].bias.zero_()
    widen_into(three, two.state_dict())
    return three


def test_a_new_class_is_learned_and_the_known_rows_stay_bit_for_bit():
    model = widened()
    before = model[1].weight[:2].clone()
    assert evaluate(model, [next(data().val.batches(3))]).accuracy == pytest.approx(2 / 3)
    fit_new_rows(model, data(), known=2, batch_size=4, seed=0)
    assert torch.equal(model[1].weight[:2], before)
    assert evaluate(model, [next(data().val.batches(3))]).accuracy == 1.0


def test_the_same_labels_give_the_same_rows_whatever_the_batch():
    models = []
    for batch_size in (2, 15):
        models.append(widened())
        fit_new_rows(models[-1], data(), known=2, batch_size=batch_size, seed=0)
    torch.testing.assert_close(models[0][1].weight, models[1][1].weight)


def test_hooks_and_modes_are_as_before():
    model = widened().train()
    fit_new_rows(model, data(), known=2, batch_size=4, seed=0)
    assert model.training
    assert not model[1]._forward_pre_hooks


def test_without_a_linear_layer_nothing_is_fitted():
    with pytest.raises(IncompatibleSource, match="no linear layer"):
        fit_new_rows(nn.Sequential(nn.Flatten()), data(), known=2, batch_size=4, seed=0)
