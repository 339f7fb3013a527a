import pytest
import torch
from torch import nn

from grasp_core.errors import InvalidData
from grasp_core.models.batchnorm import held_still, recalibrate


def test_statistics_become_those_of_the_inputs():
    torch.manual_seed(0)
    model = nn.Sequential(nn.BatchNorm2d(3), nn.Dropout(0.5), nn.Flatten(), nn.Linear(12, 2)).train()
    model[0].running_mean.fill_(50)
    images = torch.randn(10, 3, 2, 2) * 4 + 1
    recalibrate(model, [(images, torch.zeros(10, dtype=torch.int64))])
    torch.testing.assert_close(model[0].running_mean, images.mean((0, 2, 3)))
    torch.testing.assert_close(model[0].running_var, images.var((0, 2, 3)))
    assert model[0].momentum == 0.1
    assert all(m.training for m in model.modules())


def test_batches_weigh_by_their_samples():
    model = nn.Sequential(nn.BatchNorm2d(1), nn.Flatten(), nn.Linear(4, 2))
    images = torch.arange(40.0).view(10, 1, 2, 2)
    labels = torch.zeros(10, dtype=torch.int64)
    recalibrate(model, [(images[:7], labels[:7]), (images[7:], labels[7:])])
    torch.testing.assert_close(model[0].running_mean, images.mean().view(1))


def test_a_second_recalibration_changes_nothing(oracle):
    model = oracle.model("source")
    batches = [oracle.batch(0), oracle.batch(1)]
    recalibrate(model, batches)
    once = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    recalibrate(model, batches)
    assert all(torch.equal(tensor, once[name]) for name, tensor in model.state_dict().items())


def test_parameters_stay_and_no_data_is_an_error(oracle):
    model = oracle.model("source")
    before = {name: p.clone() for name, p in model.named_parameters()}
    recalibrate(model, [oracle.batch(0)])
    assert all(torch.equal(p, before[name]) for name, p in model.named_parameters())
    with pytest.raises(InvalidData):
        recalibrate(model, [])


def test_a_share_of_what_is_measured_is_mixed_with_what_came(oracle):
    came, whole, half = oracle.model("source"), oracle.model("source"), oracle.model("source")
    recalibrate(whole, [oracle.batch(0)])
    recalibrate(half, [oracle.batch(0)], share=0.25)
    for name in ("bn1.running_mean", "bn1.running_var"):
        before, after = came.state_dict()[name], whole.state_dict()[name]
        torch.testing.assert_close(half.state_dict()[name], before + 0.25 * (after - before))
    recalibrate(came, [oracle.batch(0)], share=0.0)
    assert torch.equal(came.bn1.running_mean, oracle.model("source").bn1.running_mean)


def test_statistics_that_are_held_still_are_used_in_training_and_do_not_move(oracle):
    model = oracle.model("source").train()
    before = model.bn1.running_mean.clone()
    images, _ = oracle.batch(0)
    expected = oracle.model("source").eval()(images)
    with held_still(model):
        model.train()
        out = model(images)
    torch.testing.assert_close(out, expected)
    out.sum().backward()
    assert model.bn1.weight.grad is not None
    assert torch.equal(model.bn1.running_mean, before)
    model.train()
    model(images)
    assert not torch.equal(model.bn1.running_mean, before)  # only within the block
