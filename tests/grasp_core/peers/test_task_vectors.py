"""TIES, PCB, DOGE and OPCM, each on numbers small enough to be worked out by hand."""

import pytest
import torch
from torch import nn

from grasp_core.peers.merges.doge import combined, corrected, shared_directions, slope
from grasp_core.peers.merges.pcb import balanced, competition, normed
from grasp_core.peers.merges.ties import Tally
from grasp_core.peers.merges.vectors import by_tensor, flat, largest, with_parameters
from grasp_core.peers.online.opcm import cleaned


def test_a_vector_of_parameters_goes_back_to_where_it_came_from():
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    doubled = with_parameters(model, 2 * flat(model))
    assert torch.equal(doubled[0].weight, 2 * model[0].weight)
    assert torch.equal(by_tensor(flat(model), model)["1.bias"], model[1].bias)
    assert flat(model).numel() == 15


@pytest.mark.parametrize(("share", "kept"), [(0.2, [2]), (0.4, [2, 4]), (0.0, [2]), (1.0, [0, 1, 2, 3, 4])])
def test_the_largest_magnitudes_are_kept(share, kept):
    marks = largest(torch.tensor([1.0, 0.0, -5.0, 2.0, 3.0]), share)
    assert marks.nonzero().flatten().tolist() == kept


def test_ties_averages_what_agrees_with_the_sign_of_the_sum():
    tally = Tally(torch.zeros(5))
    for vector in ([2.0, -1.0, 3.0, 1.0, 0.0], [4.0, -3.0, -1.0, -1.0, 0.0], [0.0, 1.0, -1.0, 0.0, 0.0]):
        tally.add(torch.tensor(vector))
    # (2 + 4) / 2; sum -3 so (-1 - 3) / 2; sum 1 so 3 alone; a tie; nothing came
    assert tally.elected().tolist() == [3.0, -2.0, 3.0, 0.0, 0.0]


def test_pcb_maps_to_the_unit_interval():
    assert normed(torch.tensor([1.0, 3.0, 5.0])).tolist() == [0.0, 0.5, 1.0]
    assert normed(torch.tensor([2.0, 2.0])).tolist() == [0.0, 0.0]


def test_pcb_scores_own_size_times_agreement():
    first, second = torch.tensor([2.0, 0.0]), torch.tensor([1.0, 1.0])
    # within: softmax(2 * [1, 0]); between: softmax([1, 0]) with itself and with the other
    e = torch.tensor(1.0).exp()
    within = torch.stack([e**2, torch.ones(())]) / (e**2 + 1)
    between = 2 * torch.stack([e, torch.ones(())]) / (e + 1)
    assert torch.allclose(competition([first, second], 0), within * between)


def test_pcb_averages_by_score_what_is_left_of_each_source():
    first, second = torch.tensor([2.0, 0.0]), torch.tensor([0.0, 4.0])
    # halves: each source keeps its one element, which nobody shares
    assert balanced([first, second], density=0.5).tolist() == [2.0, 4.0]
    same = torch.tensor([3.0, 1.0])
    assert torch.allclose(balanced([same, same], density=1.0), same)


def test_opcm_takes_the_diagonal_and_the_leading_block():
    merged, ones = torch.diag(torch.tensor([3.0, 2.0, 1.0])), torch.ones(3, 3)
    # alpha 0.9 of 6: 3 and 3 + 2 stay within 5.4, so r = 2
    assert cleaned(ones, merged, alpha=0.9).round(decimals=5).tolist() == [[0, 0, 1], [0, 0, 1], [1, 1, 0]]
    # alpha 0.4: 3 alone is more than 2.4, so r = 0 and only the diagonal goes
    assert cleaned(ones, merged, alpha=0.4).round(decimals=5).tolist() == [[0, 1, 1], [1, 0, 1], [1, 1, 0]]


def test_opcm_leaves_what_lies_outside_of_all_singular_directions():
    wide = torch.tensor([[2.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    new = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    assert torch.allclose(cleaned(new, wide, alpha=0.5), torch.tensor([[0.0, 2.0, 3.0], [4.0, 0.0, 6.0]]))
    assert torch.allclose(cleaned(new.T, wide.T, alpha=0.5), cleaned(new, wide, alpha=0.5).T)
    assert torch.equal(cleaned(new, torch.zeros(2, 3), alpha=0.5), new)


def test_doge_finds_the_direction_that_all_sources_share():
    along, across = torch.zeros(6, 6), torch.zeros(6, 6)
    along[0, 0], across[0, 5] = 2.0, 3.0  # both write into row 0 only
    shared = shared_directions(torch.stack([along, across]))
    assert shared.shape == (6, 1)
    assert shared[:, 0].abs().tolist() == pytest.approx([1, 0, 0, 0, 0, 0])


def test_doge_follows_the_gradient_of_its_distance():
    # rows of one number, scales 1: merge 3 + 2 d; gaps t * (t - 3 - 2 d) = -2, 2 * (2 - 3) = -2
    matrices, scales = torch.tensor([[[1.0]], [[2.0]]]), torch.tensor([1.0, 1.0])
    assert slope(matrices, scales, torch.zeros(1, 1)).item() == pytest.approx(-2 * 2 * (-2 * 1 - 2 * 2))

    def distance(d):
        merge = torch.einsum("k,kmn->mn", given, tall + d)
        return ((tall * (tall - merge)).sum(2) ** 2).sum()

    tall, given = torch.randn(3, 4, 5), torch.tensor([0.5, 0.2, 0.4])
    point = torch.randn(4, 5, requires_grad=True)
    (expected,) = torch.autograd.grad(distance(point), point)
    assert torch.allclose(slope(tall, given, point.detach()), expected, atol=1e-4)


def test_doge_corrects_nothing_along_what_is_shared():
    matrices = torch.randn(3, 12, 7, generator=torch.Generator().manual_seed(0))
    correction = corrected(matrices, torch.tensor([0.3, 0.3, 0.3]))
    assert correction.abs().max() > 0
    assert (shared_directions(matrices).T @ correction).abs().max() < 1e-4 * correction.abs().max()


def test_doge_scales_long_and_short_sources_to_one_length(monkeypatch):
    monkeypatch.setattr("grasp_core.peers.merges.doge.corrected", lambda matrices, _: 0 * matrices[0])
    matrices = torch.tensor([[[3.0, 0.0]], [[0.0, 1.0]]])  # lengths 3 and 1, mean 2
    merged = combined(matrices, torch.ones_like(matrices))
    assert merged.flatten().tolist() == pytest.approx([0.3 * 2, 0.3 * 2])
