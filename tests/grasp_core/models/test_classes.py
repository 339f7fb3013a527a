"""Classes without a label: left out of what is trained, and only there."""

import torch
from torch import nn

from grasp_core.data.samples import Samples
from grasp_core.models.classes import Labelled, labelled, only_among
from grasp_core.models.loss import cross_entropy

BATCH = (torch.ones(2, 1, 1, 3), torch.tensor([0, 2]))


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(3, 4))


def test_classes_left_out_get_no_gradient_and_the_others_theirs():
    model = network()
    with only_among(model, torch.tensor([0, 2])):
        cross_entropy(model, BATCH, reduction="mean").backward()
    assert model[1].weight.grad[[1, 3]].abs().sum() == 0
    assert (model[1].weight.grad[[0, 2]].abs().sum(1) > 0).all()


def test_the_loss_is_that_among_the_classes_that_are_left():
    model = network()
    logits = model(BATCH[0])[:, [0, 2]]
    with only_among(model, torch.tensor([0, 2])):
        loss = cross_entropy(model, BATCH, reduction="mean")
    assert torch.allclose(loss, nn.functional.cross_entropy(logits, torch.tensor([0, 1])))


def test_afterwards_and_with_all_classes_the_model_is_as_before():
    model = network()
    before = model(BATCH[0])
    with only_among(model, torch.tensor([0])):
        assert torch.isinf(model(BATCH[0])).any()
    with only_among(model, None):
        assert torch.equal(model(BATCH[0]), before)
    assert torch.equal(model(BATCH[0]), before)


def test_the_labelled_classes_are_named_unless_they_are_all():
    sample = Samples(BATCH[0], BATCH[1])
    assert labelled(network(), torch.tensor([2, 0, 0]), sample).classes.tolist() == [0, 2]
    assert labelled(network(), torch.tensor([3, 1, 2, 0]), sample) == Labelled(None, known=4)


def test_more_than_half_of_the_classes_are_enough_to_train_on():
    sample = Samples(BATCH[0], BATCH[1])
    assert not labelled(network(), torch.tensor([2, 0]), sample).enough
    assert labelled(network(), torch.tensor([2, 0, 1]), sample).enough
    assert labelled(network(), torch.tensor([2, 0, 1, 3]), sample).enough
