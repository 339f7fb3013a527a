"""A head that gets rows for new classes: what it knew it answers as before."""

import pytest
import torch
from torch import nn

from grasp_core.errors import IncompatibleSource
from grasp_core.growth.head import what_hinders, widen_into
from grasp_core.models.architectures import TESTED, build

IMAGES = torch.rand(16, 1, 8, 8, generator=torch.Generator().manual_seed(0))


def digits(classes: int) -> nn.Module:
    torch.manual_seed(classes)
    return build("grasp/digits-cnn", in_channels=1, num_classes=classes).eval()


def test_known_classes_are_answered_as_before_and_the_new_one_to_no_image():
    fewer, more = digits(9), digits(11)
    widen_into(more, fewer.state_dict())
    old, new = fewer(IMAGES), more(IMAGES)
    torch.testing.assert_close(new[:, :9], old)
    torch.testing.assert_close(new[:, 9:], old.mean(dim=1, keepdim=True).expand(-1, 2))
    assert torch.equal(new.argmax(1), old.argmax(1))


def test_a_network_of_as_many_classes_is_taken_bit_for_bit():
    first, second = digits(10), digits(10)
    widen_into(second, first.state_dict())
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def test_rows_are_never_taken_away_and_nothing_but_the_head_may_be_smaller():
    with pytest.raises(IncompatibleSource, match=r"head\.weight is \(11, 32\), needs \(10, 32\)"):
        widen_into(digits(10), digits(11).state_dict())
    tensors = digits(9).state_dict()
    tensors["conv1.weight"] = tensors["conv1.weight"][:8]
    with pytest.raises(IncompatibleSource, match=r"conv1\.weight .*only the head"):
        widen_into(digits(10), tensors)


class Odd(nn.Module):
    """A network whose answer is not what its last linear layer gives."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.flat, self.head = nn.Flatten(), nn.Linear(64, classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(self.flat(images)).relu()


def test_networks_without_a_linear_last_layer_are_told():
    assert "last linear layer (head)" in str(what_hinders(Odd(9), Odd(10), IMAGES[:1]))
    convolution = nn.Sequential(nn.Conv2d(1, 9, 8), nn.Flatten())
    assert what_hinders(convolution, convolution, IMAGES[:1]) == "it has no linear layer"


@pytest.mark.parametrize("architecture", TESTED)
def test_the_heads_of_the_tested_networks_grow(architecture):
    channels, side = (1, 8) if architecture.startswith("grasp/") else (3, 64)
    fewer, more = (build(architecture, in_channels=channels, num_classes=n) for n in (3, 4))
    assert what_hinders(fewer, more, torch.zeros(1, channels, side, side)) is None
