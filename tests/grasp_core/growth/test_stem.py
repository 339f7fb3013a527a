"""Growing the stem, on a network of six numbers whose every step can be worked out beside it."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from grasp_core.config import AbsorbConfig
from grasp_core.data.samples import Samples
from grasp_core.errors import IncompatibleSource
from grasp_core.growth.stem import grow
from grasp_core.models.classes import Labelled
from grasp_core.models.evaluate import evaluate, judge
from grasp_core.models.snapshots import STEM, MemorySnapshots

STEPS = ["load", "recalibrate", "evaluate", "transfer"]
ALPHAS = (0.0, 0.25, 0.5)


def network(weight, bias=(0.0, 0.0)) -> nn.Module:
    model = nn.Sequential(nn.Flatten(), nn.Linear(2, 2))
    with torch.no_grad():
        model[1].weight.copy_(torch.tensor(weight))
        model[1].bias.copy_(torch.tensor(bias))
    return model


def good(sharp: float) -> nn.Module:
    """Right about every label, the surer the sharper."""
    return network([[sharp, -sharp], [-sharp, sharp]])


LABELS = Samples(torch.eye(2)[[0, 1, 0]].reshape(3, 1, 1, 2), torch.tensor([0, 1, 0]))
EVERYTHING = {"1.weight": torch.ones(2, 2, dtype=torch.bool), "1.bias": torch.ones(2, dtype=torch.bool)}
HALF = {"1.weight": torch.tensor([[True, False], [False, True]])}  # and nothing of the bias


class Listener:
    def __init__(self):
        self.steps = []

    def step(self, name):
        self.steps.append(name)


def grown(stem, source, *, mask=None, alphas=ALPHAS):
    """Grow a copy of the stem; gives it, what became of it, and the pairs that were compared."""
    ours, snapshots, progress, compared = copy.deepcopy(stem), MemorySnapshots(), Listener(), []
    snapshots.save(STEM, ours)

    def compare(other, anchor, labels):
        assert labels is LABELS
        compared.append((copy.deepcopy(other), copy.deepcopy(anchor)))
        return mask

    growth = grow(
        ours,
        lambda: copy.deepcopy(source),
        LABELS,
        config=AbsorbConfig(alphas=alphas),
        snapshots=snapshots,
        progress=progress,
        labelled=Labelled(None, known=2),
        compare=compare if mask else None,
    )
    assert progress.steps == (STEPS if mask is None else [*STEPS[:-1], "align", STEPS[-1]])
    return ours, growth, compared


def same(one, other):
    theirs = other.state_dict()
    return all(torch.equal(tensor, theirs[name]) for name, tensor in one.state_dict().items())


def between(anchor, other, alpha, mask=EVERYTHING):
    """anchor + alpha * mask * (other - anchor), tensor by tensor."""
    moved = copy.deepcopy(anchor)
    theirs = dict(other.named_parameters())
    with torch.no_grad():
        for name, parameter in moved.named_parameters():
            if name in mask:
                parameter += alpha * mask[name] * (theirs[name] - parameter)
    return moved


def test_a_source_that_is_worse_and_helps_nowhere_leaves_the_stem_as_it_is():
    stem, source = good(2.0), good(-1.0)
    ours, growth, _ = grown(stem, source)
    assert same(ours, stem)
    assert (growth.choice, growth.alpha, growth.scalars_transferred) == ("unchanged", 0.0, 0)
    assert growth.stem_loss == judge(stem, LABELS).tempered
    assert growth.source_loss == judge(source, LABELS).tempered
    assert growth.gradient_passes == 0


def test_every_step_of_the_search_is_measured_and_told_in_order():
    stem, source = good(2.0), good(-1.0)
    _, growth, _ = grown(stem, source, mask=HALF)
    assert [trial.alpha for trial in growth.search] == list(ALPHAS)  # its parabola is lowest at 0
    for trial in growth.search:
        assert trial.loss == evaluate(between(stem, source, trial.alpha, HALF), LABELS).loss


def test_all_tensors_move_alike_to_the_lowest_point_of_the_parabola():
    """Stem and source are wrong to either side: the best lies between the steps that are tried."""
    right = [[1.0, -1.0], [-1.0, 1.0]]
    stem, source = network(right, bias=(2.0, -2.0)), network(right, bias=(-3.0, 3.0))
    ours, growth, _ = grown(stem, source)
    (tried,) = {trial.alpha for trial in growth.search} - set(ALPHAS)
    losses = {trial.alpha: trial.loss for trial in growth.search}
    near = np.polyfit(ALPHAS, [losses[alpha] for alpha in ALPHAS], 2)
    assert tried == pytest.approx(-near[1] / (2 * near[0]), abs=1e-3)
    assert losses[tried] == min(losses.values())
    assert (growth.choice, growth.alpha, growth.scalars_transferred) == ("absorbed", tried, 6)
    assert growth.alphas == {"1.weight": tried, "1.bias": tried}
    for ours_, wanted in zip(ours.parameters(), between(stem, source, tried).parameters(), strict=True):
        torch.testing.assert_close(ours_, wanted)


def test_a_mask_keeps_elements_where_they_are():
    """The source is worse by its bias, better by its weights; the bias is not marked."""
    stem, source = good(1.0), network([[3.0, -3.0], [-3.0, 3.0]], bias=(9.0, -9.0))
    ours, growth, compared = grown(stem, source, mask=HALF)
    assert growth.source_loss > growth.stem_loss
    assert (growth.choice, growth.alpha, growth.scalars_transferred) == ("absorbed", 0.5, 2)
    assert growth.gradient_passes == 2 * len(LABELS)  # both models' gradients, to compare them
    assert same(ours, between(stem, source, 0.5, HALF))
    other, anchor = compared[0]
    assert same(other, source)
    assert same(anchor, stem)


def test_a_better_source_leads_and_replaces_the_stem_when_the_stem_adds_nothing():
    stem, source = good(-1.0), good(2.0)
    ours, growth, compared = grown(stem, source, mask=EVERYTHING)
    assert same(ours, source)
    assert (growth.choice, growth.alpha, growth.scalars_transferred) == ("replaced", 0.0, 6)
    other, anchor = compared[0]
    assert same(other, stem)
    assert same(anchor, source)


def test_a_better_source_takes_from_the_stem_what_helps():
    stem, source = network([[3.0, -3.0], [-3.0, 3.0]], bias=(9.0, -9.0)), good(1.0)
    ours, growth, _ = grown(stem, source, mask=HALF)
    assert (growth.choice, growth.alpha, growth.scalars_transferred) == ("absorbed", 0.5, 6)
    assert same(ours, between(source, stem, 0.5, HALF))


def test_the_model_that_is_right_more_often_leads_though_it_is_sure_of_its_mistakes():
    """The stem knows nothing, which costs less of the bare loss; by that the steps are measured."""
    stem, source = network([[0.0, 0.0], [0.0, 0.0]]), network([[8.0, 2.0], [-8.0, -2.0]])
    assert evaluate(source, LABELS).loss > evaluate(stem, LABELS).loss
    _, growth, compared = grown(stem, source, mask=EVERYTHING)
    assert same(compared[0][1], source)
    assert growth.source_loss < growth.stem_loss
    assert growth.search[0].loss == evaluate(source, LABELS).loss


def test_of_two_that_are_equally_good_the_stem_leads():
    stem = good(1.0)
    _, growth, compared = grown(stem, network([[1.0, -1.0], [-1.0, 1.0]]), mask=EVERYTHING)
    assert growth.choice == "unchanged"
    assert same(compared[0][1], stem)


def test_the_first_of_equal_steps_wins():
    """Nothing is marked, so every step is as good as none."""
    _, growth, _ = grown(good(1.0), good(0.5), mask={"1.bias": torch.zeros(2, dtype=torch.bool)})
    assert (growth.choice, growth.alpha) == ("unchanged", 0.0)


@pytest.mark.parametrize("sharp", [0.5, 2.0])
def test_without_a_step_above_zero_nothing_moves_and_nothing_is_tried(sharp: float):
    ours, growth, _ = grown(good(1.0), good(sharp), alphas=(0.0,))
    assert (growth.search, growth.alpha) == ((), 0.0)
    assert same(ours, good(max(sharp, 1.0)))


def test_a_single_small_step_is_searched():
    _, growth, _ = grown(good(1.0), good(0.5), alphas=(0.0, 0.1))
    assert [trial.alpha for trial in growth.search] == [0.0, 0.1]


def test_statistics_are_those_of_the_labels_where_these_fit_best():
    def normed(sharp: float) -> nn.Module:
        model = nn.Sequential(nn.BatchNorm2d(1), *good(sharp))
        model[0].running_mean.fill_(100.0)
        return model

    ours, growth, _ = grown(normed(1.0), normed(2.0), alphas=(0.0,))
    assert growth.choice == "replaced"
    assert growth.statistics.share == 1.0
    assert float(ours[0].running_mean) == pytest.approx(0.5)
    assert growth.source_loss == growth.statistics.loss


def test_a_class_without_a_label_decides_nothing():
    """What the third class says is left out: the source, whose only fault it is, is as good as the stem."""

    def three(third: float) -> nn.Module:
        model = nn.Sequential(nn.Flatten(), nn.Linear(2, 3))
        with torch.no_grad():
            model[1].weight.copy_(torch.tensor([[1.0, -1.0], [-1.0, 1.0], [third, third]]))
            model[1].bias.zero_()
        return model

    snapshots, stem = MemorySnapshots(), three(-50.0)
    snapshots.save(STEM, stem)
    growth = grow(
        stem,
        lambda: three(50.0),
        LABELS,
        config=AbsorbConfig(),
        snapshots=snapshots,
        progress=Listener(),
        labelled=Labelled(torch.tensor([0, 1]), known=3),
    )
    assert growth.source_loss == growth.stem_loss < 0.2
    assert not stem._forward_hooks


def test_a_source_of_another_shape_is_refused_before_anything_is_measured():
    stem = good(1.0)
    with pytest.raises(IncompatibleSource, match=r"1\.weight"):
        grown(stem, nn.Sequential(nn.Flatten(), nn.Linear(3, 2)))
