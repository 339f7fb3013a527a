"""A network that comes back from its tensors is the network that they were taken from."""

import pytest
import torch

from grasp_core.errors import IncompatibleSource
from grasp_core.models.architectures import build
from grasp_core.models.loading import load


@pytest.fixture
def original():
    return build("grasp/digits-cnn", in_channels=1, num_classes=10)


def test_a_loaded_network_answers_as_the_one_it_was_taken_from(original):
    images = torch.randn(3, 1, 8, 8)
    loaded = load("grasp/digits-cnn", original.state_dict(), in_channels=1, num_classes=10)
    assert not loaded.training
    assert torch.equal(loaded(images), original.eval()(images))


def test_tensors_of_another_network_are_refused(original):
    tensors = dict(original.state_dict())
    del tensors["head.bias"]
    with pytest.raises(IncompatibleSource, match=r"head\.bias"):
        load("grasp/digits-cnn", tensors, in_channels=1, num_classes=10)
    with pytest.raises(IncompatibleSource, match=r"head\.weight"):
        load("grasp/digits-cnn", original.state_dict(), in_channels=1, num_classes=9)
