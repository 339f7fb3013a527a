"""As few labels as there can be, under batch norm on vectors, which cannot train on one."""

import pytest
import torch
from torch import nn

from grasp_core.data.samples import Samples
from grasp_core.data.target import TargetData
from grasp_core.errors import InvalidData
from grasp_core.models.loss import logits_of
from tests.grasp_core.absorbing import run


def normed(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Flatten(), nn.BatchNorm1d(4), nn.Linear(4, 2))


def labels(count: int, seed: int) -> Samples:
    images = torch.randn(count, 1, 2, 2, generator=torch.Generator().manual_seed(seed))
    return Samples(images, torch.arange(count) % 2)


@pytest.mark.parametrize(("train", "val"), [(1, 2), (1, 3), (2, 1)])
def test_three_labels_are_absorbed_however_they_are_parted(train: int, val: int):
    target = run("guarded", TargetData(labels(train, 1), labels(val, 2)), normed(1), normed(2))[0]
    assert all(torch.isfinite(parameter).all() for parameter in target.parameters())


def test_one_label_to_train_on_is_refused_by_name_where_it_is_all_there_is():
    with pytest.raises(InvalidData, match=r"one image to train on .* batch norm on vectors needs two"):
        run("reference", TargetData(labels(1, 1), labels(2, 2)), normed(1), normed(2))


def test_what_else_a_model_raises_is_not_explained_away():
    with pytest.raises(ValueError, match="too many"):
        logits_of(Odd(), (torch.zeros(1, 1, 2, 2), torch.zeros(1)))


class Odd(nn.Linear):
    """A model with a fault of its own."""

    def __init__(self) -> None:
        super().__init__(4, 2)

    def forward(self, _: torch.Tensor) -> torch.Tensor:
        raise ValueError("too many of something")
