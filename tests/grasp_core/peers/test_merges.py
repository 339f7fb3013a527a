"""Each merge formula against a result worked out by hand."""

import math

import pytest
import torch
from torch import nn

from grasp_core.peers.controls.random_mask import scattered
from grasp_core.peers.controls.shuffled_scores import shuffled
from grasp_core.peers.controls.tensor_steps import notched
from grasp_core.peers.merges.average import stir_in
from grasp_core.peers.merges.ensemble import MeanOfProbabilities
from grasp_core.seed import generator


def with_values(weight, mean):
    model = nn.Sequential(nn.Linear(2, 1), nn.BatchNorm1d(1))
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([weight]))
        model[1].running_mean.fill_(mean)
    return model


def test_an_average_in_a_stream_is_the_mean_of_weights_and_statistics():
    sources = [with_values([1.0, -2.0], 3.0), with_values([4.0, 0.0], 6.0), with_values([1.0, 5.0], 0.0)]
    mean = with_values([100.0, 100.0], 100.0)
    for count, source in enumerate(sources, start=1):
        stir_in(mean, source, count=count)
    assert torch.allclose(mean[0].weight, torch.tensor([[2.0, 1.0]]))
    assert mean[1].running_mean.item() == pytest.approx(3.0)


def test_an_ensemble_predicts_the_mean_of_probabilities():
    class Says(nn.Module):
        def __init__(self, *odds):
            super().__init__()
            self.logits = nn.Parameter(torch.tensor([odds]).log())

        def forward(self, images):
            return self.logits.expand(len(images), -1)

    together = MeanOfProbabilities()
    together.members.extend([Says(1.0, 3.0), Says(9.0, 1.0)])  # 25 % and 90 % for the first class
    logs = together(torch.zeros(2, 1))
    assert torch.allclose(logs.exp(), torch.tensor([[0.575, 0.425]] * 2))
    assert logs.exp().sum(1).tolist() == pytest.approx([1.0, 1.0])
    assert logs[0, 0].item() == pytest.approx(math.log(0.575))


def test_a_scattered_mask_has_the_same_density_in_every_tensor_and_other_elements():
    masks = {"a": torch.arange(1000).view(10, 100) % 4 == 0, "b": torch.zeros(5, dtype=torch.bool)}
    moved = scattered(masks, generator(0, "test"))
    assert {name: (mask.shape, int(mask.sum())) for name, mask in moved.items()} == {
        "a": ((10, 100), 250),
        "b": ((5,), 0),
    }
    assert 30 < int((moved["a"] & masks["a"]).sum()) < 95  # by chance 62.5


def test_shuffled_scores_are_the_same_scores_of_other_tensors():
    scores = {f"layer{number}": number / 20 for number in range(20)}
    dealt = shuffled(scores, generator(0, "test"))
    assert list(dealt) == list(scores)
    assert sorted(dealt.values()) == sorted(scores.values())
    assert dealt != scores


class Valley:
    """A way of two tensors whose loss is (a - goal)^2 summed over them, as a Way tells it."""

    names, samples = ("a", "b"), 10

    def __init__(self, **goals):
        self.goals = goals

    def go(self, alphas):
        self.at = dict(alphas)

    def loss(self, alphas):
        self.go(alphas)
        return sum((alphas[name] - goal) ** 2 for name, goal in self.goals.items())

    def slopes(self):
        return {name: 2 * (self.at[name] - goal) for name, goal in self.goals.items()}


def test_tensor_steps_bring_each_tensor_to_its_own_share_of_the_way():
    alphas = (0.0, 0.25, 0.5)
    chosen = notched(Valley(a=0.9, b=0.1), alphas, Valley.slopes)
    assert chosen.alphas == pytest.approx({"a": 0.9, "b": 0.1}, abs=0.05)
    assert chosen.gradient_passes == 10 * 10
    assert len(chosen.trials) == 3 + 10  # the line's, its parabola lowest at a step tried, and one a notch


def test_tensor_steps_that_help_nowhere_stay_at_the_line_search():
    chosen = notched(Valley(a=0.5, b=0.5), (0.0, 0.25, 0.5), Valley.slopes)
    assert chosen.alphas == {"a": 0.5, "b": 0.5}
