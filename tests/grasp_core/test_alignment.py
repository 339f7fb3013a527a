import itertools

import pytest
import torch
from torch import nn
from torch.nn import functional

from grasp_core.alignment import PIECE, agreement, align
from grasp_core.errors import IncompatibleSource, InvalidData, NonFiniteLoss

MODES = list(itertools.product(("eval", "train"), repeat=2))


def plain_gradients(model, batches, *, mode, reduction="mean"):
    """A second, straightforward implementation: sum of torch.autograd.grad over batches."""
    model.train(mode == "train")
    total = None
    for images, labels in batches:
        loss = functional.cross_entropy(model(images), labels, reduction=reduction)
        gradients = torch.autograd.grad(loss, list(model.parameters()))
        total = gradients if total is None else [a + b for a, b in zip(total, gradients, strict=True)]
    return dict(zip((name for name, _ in model.named_parameters()), total, strict=True))


def plain_cosines(source, target, batches, *, source_mode, target_mode):
    ours = plain_gradients(source, batches, mode=source_mode)
    theirs = plain_gradients(target, batches, mode=target_mode)
    return {
        name: float((ours[name] * theirs[name]).sum() / (ours[name].norm() * theirs[name].norm() + 1e-8))
        for name in ours
    }


def state(model):
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def equal(ours, theirs):
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_scores_reproduce_the_published_procedure(oracle):
    scores = align(oracle.model("source"), oracle.model("target"), [oracle.batch(0)])
    assert scores == pytest.approx(oracle.expected["cosine"], abs=1e-9)
    assert list(scores) == list(oracle.expected["cosine"])


def test_batch_norm_buffers_move_as_in_the_published_procedure(oracle):
    source, target = oracle.model("source"), oracle.model("target")
    before = state(source)
    align(source, target, [oracle.batch(0)])
    for name, values in oracle.expected["target_bn_buffers_after_alignment"].items():
        expected = torch.tensor(values, dtype=torch.float64)
        torch.testing.assert_close(target.state_dict()[name].double(), expected, atol=1e-9, rtol=0)
    assert equal(state(source), before)


@pytest.mark.parametrize(("source_mode", "target_mode"), MODES)
@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 2e-5)])
def test_scores_equal_a_second_implementation(oracle, source_mode, target_mode, count, dtype, tolerance):
    batches = [oracle.batch(b, dtype) for b in range(count)]
    source, target = oracle.model("source", dtype), oracle.model("target", dtype)
    twin_source, twin = oracle.model("source", dtype), oracle.model("target", dtype)
    scores = align(source, target, iter(batches), source_mode=source_mode, target_mode=target_mode)
    expected = plain_cosines(twin_source, twin, batches, source_mode=source_mode, target_mode=target_mode)
    assert scores == pytest.approx(expected, abs=tolerance)
    for name, tensor in twin.state_dict().items():
        torch.testing.assert_close(target.state_dict()[name], tensor)


def test_equal_models_score_one_and_opposite_heads_minus_one():
    ours, theirs = nn.Sequential(nn.Flatten(), nn.Linear(4, 2)), nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    for model, bias in ((ours, 5.0), (theirs, -5.0)):
        nn.init.zeros_(model[1].weight)
        model[1].bias.data = torch.tensor([bias, -bias])
    images, labels = torch.ones(2, 1, 2, 2), torch.tensor([0, 1])
    assert align(ours, ours, [(images, labels)])["1.bias"] == pytest.approx(1.0, abs=1e-4)
    assert align(ours, theirs, [(images, labels)])["1.bias"] == pytest.approx(-1.0, abs=1e-4)


def test_only_parameters_with_a_gradient_have_a_score(oracle):
    source, target = oracle.model("source"), oracle.model("target")
    target.conv1.weight.requires_grad_(requires_grad=False)
    source.fc.bias.requires_grad_(requires_grad=False)
    for count in (1, 2):
        scores = align(source, target, [oracle.batch(b) for b in range(count)])
        assert scores.keys() == oracle.expected["cosine"].keys() - {"conv1.weight", "fc.bias"}


@pytest.mark.parametrize("count", [1, 2])
def test_flags_stay_and_gradients_end_cleared(oracle, count):
    source, target = oracle.model("source").train(), oracle.model("target").eval()
    target.bn1.train()
    oracle.model("target")(oracle.batch(0)[0]).sum().backward()
    source(oracle.batch(0)[0]).sum().backward()
    align(source, target, [oracle.batch(b) for b in range(count)])
    assert all(m.training for m in source.modules())
    assert [m.training for m in target.modules()] == [m is target.bn1 for m in target.modules()]
    assert all(p.grad is None for p in (*source.parameters(), *target.parameters()))
    assert not any(p._post_accumulate_grad_hooks for p in target.parameters())


def test_leftover_gradients_do_not_count(oracle):
    source, target = oracle.model("source"), oracle.model("target")
    for parameter in (*source.parameters(), *target.parameters()):
        parameter.grad = torch.ones_like(parameter)
    scores = align(source, target, [oracle.batch(0)])
    assert scores == pytest.approx(oracle.expected["cosine"], abs=1e-9)


def test_every_element_of_a_large_tensor_counts_in_its_score():
    torch.manual_seed(0)
    source, target = (nn.Sequential(nn.Flatten(), nn.Linear(100, 120, dtype=torch.float64)) for _ in range(2))
    batches = [(torch.randn(8, 100, 1, 1, dtype=torch.float64), torch.arange(8))]
    assert source[1].weight.numel() > 2 * PIECE
    expected = plain_cosines(source, target, batches, source_mode="eval", target_mode="train")
    assert align(source, target, batches) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("source_mode", "target_mode"), MODES)
@pytest.mark.parametrize("count", [1, 3])
def test_agreement_marks_elements_of_equal_sign(oracle, count, source_mode, target_mode):
    batches = [oracle.batch(b) for b in range(count)]
    modes = {"source_mode": source_mode, "target_mode": target_mode}
    modes = {name: mode for name, mode in modes.items() if mode != "eval"}  # the default
    masks = agreement(oracle.model("source"), oracle.model("target"), iter(batches), **modes)
    ours = plain_gradients(oracle.model("source"), batches, mode=source_mode, reduction="sum")
    theirs = plain_gradients(oracle.model("target"), batches, mode=target_mode, reduction="sum")
    assert masks.keys() == ours.keys()
    for name, mask in masks.items():
        assert mask.dtype == torch.bool
        assert torch.equal(mask, ours[name] * theirs[name] > 0)


def test_zero_gradients_do_not_agree():
    model = nn.Sequential(nn.Flatten(), nn.Linear(2, 2))
    images, labels = torch.tensor([[[[1.0, 0.0]]]]), torch.tensor([0])
    assert agreement(model, model, [(images, labels)])["1.weight"].tolist() == [[True, False], [True, False]]


def renamed(source):
    source.other = source.fc
    del source.fc
    return source


def reshaped(source):
    source.fc = nn.Linear(16, 4).double()
    return source


def narrowed(source):
    source.bn2.running_var = source.bn2.running_var.float()
    return source


def infinite(source):
    source.conv2.weight.data[0, 0, 0, 0] = float("inf")
    return source


@pytest.mark.parametrize(
    ("spoil", "name"),
    [
        (renamed, "fc.weight"),
        (reshaped, "fc.weight"),
        (narrowed, "bn2.running_var"),
        (infinite, "conv2.weight"),
    ],
)
def test_a_bad_pair_is_refused_by_the_name_of_its_tensor(oracle, spoil, name):
    target = oracle.model("target")
    before = state(target)
    with pytest.raises(IncompatibleSource, match=name):
        align(spoil(oracle.model("source")), target, [oracle.batch(0)])
    assert equal(state(target), before)


@pytest.mark.parametrize("role", ["source", "target"])
def test_what_has_a_non_finite_loss_is_named(oracle, role):
    models = {name: oracle.model(name) for name in ("source", "target")}
    models[role].fc.weight.data.mul_(1e308)
    for compare in (align, agreement):
        with pytest.raises(NonFiniteLoss, match=f"^{role}: loss"):
            compare(models["source"], models["target"], [oracle.batch(0)])


@pytest.mark.parametrize("count", [1, 2])
def test_a_non_finite_loss_leaves_the_target_unchanged(oracle, count):
    source, target = oracle.model("source").train(), oracle.model("target")
    source.fc.weight.data.mul_(1e308)
    before = state(target)
    with pytest.raises(NonFiniteLoss, match="source"):
        align(source, target, [oracle.batch(b) for b in range(count)])
    images, labels = oracle.batch(1)
    images[3] = float("nan")
    with pytest.raises(NonFiniteLoss):
        align(oracle.model("source"), target, [oracle.batch(0), (images, labels)])
    assert equal(state(target), before)
    assert all(p.grad is None for p in (*source.parameters(), *target.parameters()))


def test_bad_batches_are_refused(oracle):
    source, target = oracle.model("source"), oracle.model("target")
    images, labels = oracle.batch(0)
    before = state(target)
    for batches in ([], [(images, labels + 9)], [(images, labels[:3])], [(images.to(torch.uint8), labels)]):
        with pytest.raises(InvalidData):
            align(source, target, batches)
    assert equal(state(target), before)


class Root(nn.Module):
    """Its loss is finite at zero, its slope is not."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.zeros(2))

    def forward(self, images):
        return images.flatten(1) * self.scale.sqrt()


def test_signs_are_named_by_the_tensor_whose_gradient_is_not_finite_in_either_model():
    batch = (torch.tensor([1.0, 2.0]).reshape(1, 1, 1, 2), torch.tensor([0]))
    fine, broken = Root(), Root()
    fine.scale.data.fill_(1.0)
    with pytest.raises(NonFiniteLoss, match="gradient of tensor scale is NaN or infinite"):
        agreement(fine, broken, [batch])


@pytest.mark.parametrize("compare", [align, agreement])
@pytest.mark.parametrize("count", [1, 2])
def test_a_gradient_that_is_not_finite_is_refused_by_the_name_of_its_tensor(compare, count):
    batch = (torch.tensor([1.0, 2.0]).reshape(1, 1, 1, 2), torch.tensor([0]))
    source, target = Root(), Root()
    with pytest.raises(NonFiniteLoss, match="gradient of tensor scale is NaN or infinite"):
        compare(source, target, [batch] * count)
    assert torch.equal(target.scale, torch.zeros(2))
    assert target.scale.grad is None
