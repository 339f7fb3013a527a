"""Fisher, BMM, EMA, ODE-M, aTLAS, PEARL and logit fusion, each on numbers worked out by hand."""

import math

import pytest
import torch
from torch import nn

from grasp_core.peers.merges.bmm import grams, regressed
from grasp_core.peers.merges.fisher import fisher_diagonal
from grasp_core.peers.merges.vectors import flat
from grasp_core.peers.online.ema import move_toward
from grasp_core.peers.online.ode_m import Barrier, velocity
from grasp_core.peers.trained.atlas import Scaled
from grasp_core.peers.trained.logit_fusion import MeanOfLogits
from grasp_core.peers.trained.pearl import Adapted, Adapter, low_rank


def linear(*rows):
    model = nn.Linear(len(rows[0]), len(rows), bias=False)
    with torch.no_grad():
        model.weight.copy_(torch.tensor(rows))
    return model


def test_fisher_is_the_expected_square_of_the_gradient_under_the_models_own_labels():
    # two classes, logits (w1 x, w2 x) = (log 3, 0): p = (3/4, 1/4); d log p_y / d w = x * (onehot - p)
    model, x = linear([math.log(3.0)], [0.0]), torch.tensor([[1.0]])
    fisher, passes = fisher_diagonal(model, [(x, torch.tensor([0]))])
    # for w1: 3/4 * (1/4)^2 + 1/4 * (3/4)^2 = 12/64; w2 the same
    assert fisher.tolist() == pytest.approx([12 / 64, 12 / 64])
    assert passes == 2


def test_fisher_averages_over_images_and_stops_at_its_limit():
    model = linear([0.0], [0.0])
    batch = torch.tensor([[2.0], [4.0], [100.0]]), torch.tensor([0, 1, 0])
    fisher, passes = fisher_diagonal(model, [batch, batch], images=2)
    assert fisher.tolist() == pytest.approx([(4 + 16) / 2 / 4] * 2)  # x^2 * p * (1 - p)
    assert passes == 4


def test_bmm_weighs_layers_by_their_inputs_and_draws_them_to_the_prior():
    # weights 1 and 6 with Grams 4 and 1, prior 3.5; r = 2 * 5: (4 + 6 + 35) / (5 + 10)
    weighted, gram = torch.tensor([[4.0 * 1 + 1.0 * 6]]), torch.tensor([[5.0]])
    assert regressed(weighted, gram, torch.tensor([[3.5]]), strength=2.0).item() == pytest.approx(3.0)
    unseen = regressed(torch.zeros(1, 1), torch.zeros(1, 1), torch.tensor([[3.5]]), strength=2.0)
    assert unseen.item() == 3.5


def test_bmm_without_a_prior_finds_the_weights_that_all_sources_agree_on():
    torch.manual_seed(0)
    inputs, weight = torch.randn(20, 3), torch.randn(2, 3)
    gram = inputs.T @ inputs
    found = regressed(weight @ gram, gram, torch.zeros(2, 3), strength=1e-7)
    assert torch.allclose(found, weight, atol=1e-4)


def test_bmm_sees_the_rows_that_each_layer_multiplies():
    model = nn.Sequential(nn.Conv2d(1, 2, 2, bias=False), nn.Flatten(), nn.Linear(2, 2, bias=False))
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[[[1.0, 0.0], [0.0, 0.0]]], [[[0.0, 0.0], [0.0, 1.0]]]]))
    images = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]], [[[0.0, 0.0], [0.0, 2.0]]]])
    seen = grams(model, [(images, torch.tensor([0, 1]))])
    rows = torch.tensor([[1.0, 2.0, 3.0, 4.0], [0.0, 0.0, 0.0, 2.0]])
    assert torch.allclose(seen["0.weight"], rows.T @ rows / 2)
    outputs = torch.tensor([[1.0, 4.0], [0.0, 2.0]])
    assert torch.allclose(seen["2.weight"], outputs.T @ outputs / 2)
    assert list(seen) == ["0.weight", "2.weight"]


def test_an_exponential_average_forgets_by_halves():
    average = linear([8.0])
    for newest in (4.0, 2.0):
        move_toward(average, linear([newest]), weight=0.5)
    assert average.weight.item() == 8 / 4 + 4 / 4 + 2 / 2


def test_ode_m_allows_the_line_between_both_losses_and_a_budget_that_ends():
    barrier = Barrier(start=2.0, end=1.0)
    assert [barrier.at(time) for time in (0.0, 0.5, 1.0)] == pytest.approx([2.08, 1.52, 1.0])


def test_ode_m_goes_onward_and_down_the_gradient_where_nothing_forbids_it():
    # gradient against the way: eta = 0.24 * 5 / 2 on a gradient of (-2, 0)
    v = velocity(torch.tensor([3.0, 4.0]), torch.tensor([-2.0, 0.0]), bound=0.0)
    assert v.tolist() == pytest.approx([3 + 0.24 * 5, 4.0])


def test_ode_m_takes_the_uphill_part_of_the_way_out():
    v = velocity(torch.tensor([3.0, 4.0]), torch.tensor([2.0, 0.0]), bound=0.0)
    assert v.tolist() == pytest.approx([0.0, 4.0])
    bounded = velocity(torch.tensor([3.0, 4.0]), torch.tensor([2.0, 0.0]), bound=-2.0)
    assert bounded.tolist() == pytest.approx([-1.0, 4.0])
    assert velocity(torch.tensor([1.0]), torch.tensor([0.0]), bound=0.0).tolist() == [1.0]


def test_atlas_scales_every_tensor_of_every_vector_by_its_own_coefficient():
    base = nn.Linear(2, 1)
    with torch.no_grad():
        base.weight.copy_(torch.tensor([[1.0, 2.0]]))
        base.bias.fill_(5.0)
    vectors = [torch.tensor([10.0, 20.0, 30.0]), torch.tensor([1.0, 0.0, -1.0])]
    scaled = Scaled(base, vectors, torch.tensor([[0.1, 0.0], [1.0, 2.0]]))
    # weight + 0.1 * (10, 20) + 1 * (1, 0); bias + 0 * 30 + 2 * -1
    assert flat(scaled.baked()).tolist() == pytest.approx([3.0, 4.0, 3.0])
    assert torch.allclose(scaled(torch.ones(1, 2)), torch.tensor([[10.0]]))
    scaled(torch.tensor([[1.0, 3.0]])).sum().backward()
    # d logit / d c_kj = <x, t_kj>
    assert torch.allclose(scaled.coefficients.grad, torch.tensor([[70.0, 30.0], [1.0, -1.0]]))
    assert base.weight.tolist() == [[1.0, 2.0]]


def test_an_adapter_is_the_best_approximation_of_its_rank():
    matrix = torch.diag(torch.tensor([4.0, 9.0, 1.0]))
    up, down = low_rank(matrix, 2, order=torch.Generator())
    assert torch.allclose(up @ down, torch.diag(torch.tensor([4.0, 9.0, 0.0])), atol=1e-5)
    assert torch.allclose(up.norm(dim=0), torch.tensor([3.0, 2.0]))  # the roots of 9 and 4 on either side
    up, down = low_rank(torch.zeros(3, 2), 16, order=torch.Generator().manual_seed(0))
    assert up.tolist() == [[0.0, 0.0]] * 3
    assert 0 < down.abs().max() < 0.1


def test_pearl_adds_adapters_by_the_softmax_of_their_scores():
    base = linear([0.0, 0.0])
    adapters = [Adapter(linear(row), base, order=torch.Generator()) for row in ([4.0, 0.0], [0.0, 8.0])]
    adapted = Adapted(base, adapters)
    with torch.no_grad():
        adapted.scores.copy_(torch.tensor([math.log(3.0), 0.0]))
    assert torch.allclose(adapted.baked().weight, torch.tensor([[3.0, 2.0]]), atol=1e-6)
    assert torch.allclose(adapted(torch.ones(1, 2)), torch.tensor([[5.0]]))


def test_pearl_never_trains_the_base():
    base = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    adapted = Adapted(base, [Adapter(base, base, order=torch.Generator())])
    adapted.train()
    before = {name: tensor.clone() for name, tensor in adapted.base.state_dict().items()}
    adapted(torch.randn(4, 2)).sum().backward()
    assert all(torch.equal(tensor, before[name]) for name, tensor in adapted.base.state_dict().items())
    assert all(parameter.grad is None for parameter in adapted.base.parameters())


def test_logit_fusion_predicts_the_mean_of_logits_and_trains_every_member():
    together = MeanOfLogits()
    together.members.extend([linear([1.0], [3.0]), linear([5.0], [1.0])])
    assert together(torch.ones(1, 1)).tolist() == [[3.0, 2.0]]
    together(torch.ones(1, 1))[0, 0].backward()
    assert [member.weight.grad.flatten().tolist() for member in together.members] == [[0.5, 0.0]] * 2
