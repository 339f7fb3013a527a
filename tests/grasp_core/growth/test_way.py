"""Points of the way between two models, and how the labels' loss changes along it, worked out beside."""

import copy

import pytest
import torch
from torch import nn

from grasp_core.data.samples import Samples
from grasp_core.growth.way import Way, line
from grasp_core.models.evaluate import evaluate
from grasp_core.models.snapshots import MemorySnapshots

IMAGES = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [2.0, -1.0], [0.5, 3.0]]).view(5, 1, 1, 2)
LABELS = Samples(IMAGES, torch.tensor([0, 1, 0, 0, 1]))


def model(seed: int, *, normed: bool = False) -> nn.Module:
    torch.manual_seed(seed)
    middle = [nn.BatchNorm1d(3)] if normed else []
    made = nn.Sequential(nn.Flatten(), nn.Linear(2, 3), *middle, nn.Tanh(), nn.Linear(3, 2)).double()
    if normed:
        made[2].running_mean.fill_(float(seed))
        made[2].running_var.fill_(1.0 + seed)
    return made


def way(anchor, other, *, labels=LABELS, mask=None, statistics=None):
    exact = Samples(labels.images.double(), labels.labels)
    ours, theirs = copy.deepcopy(anchor), copy.deepcopy(other)
    made = Way(
        ours, theirs, exact, batch_size=2, statistics=statistics, snapshots=MemorySnapshots(), mask=mask
    )
    return made, ours


def loss_at(anchor, other, alphas):
    """The mean cross-entropy at anchor + alpha * (other - anchor), tensor by tensor."""
    there = copy.deepcopy(anchor)
    theirs = dict(other.named_parameters())
    with torch.no_grad():
        for name, tensor in there.named_parameters():
            tensor += alphas[name] * (theirs[name] - tensor)
        logits = there(LABELS.images.double())
    return float(nn.functional.cross_entropy(logits, LABELS.labels))


def test_a_slope_is_what_the_loss_changes_per_whole_way_of_its_tensor():
    anchor, other = model(1), model(2)
    made, _ = way(anchor, other)
    here = dict(zip(made.names, (0.1, 0.4, 0.0, 0.7), strict=True))
    made.go(here)
    slopes = made.slopes()
    assert list(slopes) == list(made.names)
    for name, slope in slopes.items():
        up, down = ({**here, name: here[name] + step} for step in (1e-5, -1e-5))
        difference = (loss_at(anchor, other, up) - loss_at(anchor, other, down)) / 2e-5
        assert slope == pytest.approx(difference, rel=1e-5)


def test_slopes_leave_the_model_as_it_was():
    """Neither gradients nor training mode stay behind, and statistics do not move."""
    made, point = way(model(1, normed=True).train(), model(2, normed=True), statistics=0.0)
    made.go(dict.fromkeys(made.names, 0.5))
    before = copy.deepcopy(point.state_dict())
    made.slopes()
    assert point.training
    assert all(parameter.grad is None for parameter in point.parameters())
    assert all(torch.equal(tensor, before[name]) for name, tensor in point.state_dict().items())


def test_a_slope_of_what_may_not_move_is_zero():
    anchor, other = model(1), model(2)
    only = {"1.weight": torch.tensor([[True, False]] * 3)}
    made, point = way(anchor, other, mask=only)
    made.go(dict.fromkeys(made.names, 1.0))
    assert torch.equal(point[1].weight[:, 1], anchor[1].weight[:, 1])
    torch.testing.assert_close(point[1].weight[:, 0], other[1].weight[:, 0])
    assert torch.equal(point[3].weight, anchor[3].weight)
    assert {name for name, slope in made.slopes().items() if slope} == {"1.weight"}


def test_the_loss_at_a_point_is_the_labels_mean_there():
    anchor, other = model(1), model(2)
    made, _ = way(anchor, other)
    assert made.samples == 5
    for alpha in (0.0, 0.3, 1.0):
        alphas = dict.fromkeys(made.names, alpha)
        assert made.loss(alphas) == pytest.approx(loss_at(anchor, other, alphas), rel=1e-6)


def test_statistics_go_the_mean_of_the_shares_then_as_far_to_the_labels_as_they_may():
    made, point = way(model(1, normed=True), model(3, normed=True), statistics=0.0)
    made.go({name: float(name.startswith("4")) for name in made.names})  # two of six tensors: a third
    torch.testing.assert_close(point[2].running_mean, torch.full((3,), 1 + 2 / 3, dtype=torch.float64))
    torch.testing.assert_close(point[2].running_var, torch.full((3,), 2 + 2 / 3, dtype=torch.float64))

    made, point = way(model(1, normed=True), model(3, normed=True), statistics=0.5)
    made.go(dict.fromkeys(made.names, 1.0))
    with torch.no_grad():
        mean = point[1](LABELS.images.double().flatten(1)).mean(0)
    torch.testing.assert_close(point[2].running_mean, (3 + mean) / 2)


def test_at_zero_everywhere_the_anchor_is_as_it_came():
    anchor = model(1, normed=True)
    made, point = way(anchor, model(2, normed=True), statistics=1.0)
    made.go(dict.fromkeys(made.names, 0.5))
    made.go(dict.fromkeys(made.names, 0.0))
    came = anchor.state_dict()
    assert all(torch.equal(tensor, came[name]) for name, tensor in point.state_dict().items())


class Measured:
    """A way whose loss is known at every point of it."""

    names = ("a", "b")

    def __init__(self, loss):
        self._loss, self.tried = loss, []

    def loss(self, alphas):
        assert alphas["a"] == alphas["b"]
        self.tried.append(alphas["a"])
        return self._loss(alphas["a"])


@pytest.mark.parametrize(
    ("loss", "tried", "best"),
    [
        (lambda a: (a - 0.3) ** 2, [0.0, 0.25, 0.5, 0.3], 0.3),  # a parabola: found at once
        (lambda a: (a - 0.26) ** 2, [0.0, 0.25, 0.5], 0.25),  # nearer than is worth a look
        (lambda a: (a - 0.27) ** 2, [0.0, 0.25, 0.5, 0.27], 0.27),  # as near as is worth one
        (lambda a: (a + 1.0) ** 2, [0.0, 0.25, 0.5], 0.0),  # lowest before the first: the first was tried
        (lambda a: (a - 2.0) ** 2, [0.0, 0.25, 0.5], 0.5),  # lowest beyond the last: the last was tried
        (lambda a: -((a - 0.2) ** 2), [0.0, 0.25, 0.5], 0.5),  # bent the other way: no lowest point
        (lambda a: 1.0, [0.0, 0.25, 0.5], 0.0),  # flat: the first of equals
    ],
)
def test_the_search_tries_the_lowest_point_of_the_parabola_once(loss, tried, best):
    measured = Measured(loss)
    chosen = line(measured, (0.0, 0.25, 0.5))
    assert measured.tried == pytest.approx(tried)
    assert chosen.alphas == {"a": pytest.approx(best), "b": pytest.approx(best)}
    assert [trial.alpha for trial in chosen.trials] == pytest.approx(sorted(tried))
    assert [trial.loss for trial in chosen.trials] == pytest.approx([loss(a) for a in sorted(tried)])
    assert chosen.gradient_passes == 0


def test_the_parabola_goes_through_the_best_step_and_its_neighbours_only():
    """Steps of unlike length, the best of them second to last; what lies at 0 does not bend it."""
    measured = Measured(lambda a: 100.0 if a == 0 else (a - 0.7) ** 2)
    line(measured, (0.0, 0.2, 0.5, 0.6, 1.0))
    assert measured.tried[-1] == pytest.approx(0.7)


@pytest.mark.parametrize("alphas", [(0.0, 1.0), (0.0,)])
def test_fewer_than_three_steps_have_no_parabola(alphas):
    measured = Measured(lambda a: (a - 0.4) ** 2)
    chosen = line(measured, alphas)
    assert measured.tried == ([] if alphas == (0.0,) else [0.0, 1.0])
    assert chosen.alphas["a"] == 0.0


def test_the_way_measures_as_evaluation_does():
    labels = Samples(LABELS.images.double(), LABELS.labels)
    made, point = way(model(1), model(2))
    assert made.loss(dict.fromkeys(made.names, 0.4)) == evaluate(point, labels.batches(2)).loss
