"""Batch-norm statistics of a newcomer: the labels' own, unless these do harm to labels they did not see."""

import copy

import pytest
import torch
from torch import nn

from grasp_core.data.samples import Samples
from grasp_core.growth import statistics
from grasp_core.growth.statistics import Fitted, as_they_came, fit_statistics
from grasp_core.models.batchnorm import recalibrate
from grasp_core.models.evaluate import Judged, evaluate, judge


def normed(width: int, classes: int = 2) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.BatchNorm1d(width), nn.Linear(width, classes))


def moved(shift: float) -> Samples:
    """Two classes told apart by their first feature, all features shifted since the model was made."""
    generator = torch.Generator().manual_seed(1)
    labels = torch.arange(40) % 2
    images = torch.randn(40, 4, generator=generator)
    images[:, 0] += 4.0 * (2 * labels - 1)
    return Samples((images + shift).view(40, 4, 1, 1), labels)


def test_where_the_inputs_have_moved_the_labels_statistics_are_taken():
    model = normed(4)
    with torch.no_grad():
        model[2].weight.copy_(torch.tensor([[-3.0, 0, 0, 0], [3.0, 0, 0, 0]]))
        model[2].bias.zero_()
    came, labels = copy.deepcopy(model), moved(100.0)
    fitted = fit_statistics(model, labels, batch_size=8)
    assert (fitted.share, fitted.held) == (1.0, False)
    assert fitted.loss <= fitted.losses[1.0] < fitted.losses[0.0]
    assert evaluate(model, labels).loss < evaluate(came, labels).loss
    torch.testing.assert_close(model[1].running_mean, labels.images.flatten(1).mean(0), atol=0.5, rtol=0)


def test_features_that_hardly_any_label_shows_keep_the_statistics_that_came():
    """One feature tells the classes; each other is seen once, so half the labels know no variance of it."""
    labels = torch.arange(40) % 2
    images = torch.cat([(2.0 * labels - 1).view(40, 1), 0.1 * torch.eye(40)], dim=1)
    model, sign = normed(41), 1.0 - 2.0 * (torch.arange(40) % 3 == 0).float()
    with torch.no_grad():
        model[2].weight.copy_(torch.stack([-torch.ones(41), torch.ones(41)]))
        model[2].weight[:, 1:] *= 0.3 * sign
        model[2].bias.zero_()
    came, whole = copy.deepcopy(model), Samples(images.view(40, -1, 1, 1), labels)
    fitted = fit_statistics(model, whole, batch_size=8)
    assert fitted.held
    assert fitted.losses[1.0] > 10 * fitted.loss
    assert evaluate(model, whole).accuracy == evaluate(came, whole).accuracy == 1.0


def test_statistics_are_judged_by_labels_that_did_not_set_them():
    """With one feature an image, statistics of all labels fit these; those of a half fail on the other."""
    images = torch.eye(16).view(16, 16, 1, 1)
    model, labels = normed(16), Samples(images, torch.arange(16) % 2)
    inside = copy.deepcopy(model)
    recalibrate(inside, labels)
    assert fit_statistics(model, labels, batch_size=16).losses[1.0] != judge(inside, labels).loss


def test_a_model_without_statistics_is_measured_once_and_left_alone():
    model = nn.Sequential(nn.Flatten(), nn.LayerNorm(4), nn.Linear(4, 2))
    before, labels = copy.deepcopy(model.state_dict()), moved(0.0)
    fitted = fit_statistics(model, labels, batch_size=8)
    assert (fitted.share, fitted.held, fitted.losses) == (None, False, {})
    assert fitted.loss == pytest.approx(judge(model, labels).tempered)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_labels_that_say_too_little_leave_the_statistics_as_they_came():
    model, labels = normed(4), moved(100.0)
    before = copy.deepcopy(model.state_dict())
    kept = as_they_came(model, labels, batch_size=8)
    judged = judge(model, labels.batches(8))
    assert (kept.share, kept.held, kept.loss) == (0.0, True, judged.tempered)
    assert kept.losses == {0.0: judged.loss}
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())

    plain = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    kept = as_they_came(plain, labels, batch_size=8)
    loss = judge(plain, labels.batches(8)).tempered
    assert (kept.share, kept.held, kept.loss, kept.losses) == (None, False, loss, {})


def judged(monkeypatch: pytest.MonkeyPatch, losses: dict[float, float]) -> Fitted:
    """What is chosen where one half of five labels has these losses, the other twice as much."""
    told = iter([*losses.values(), *(2 * loss for loss in losses.values())])
    monkeypatch.setattr(statistics, "judge", lambda model, batches: Judged(loss := next(told), loss / 2))
    return fit_statistics(normed(4), moved(0.0).subset(torch.arange(5)), batch_size=8)


@pytest.mark.parametrize(
    ("losses", "share"),
    [
        ({1.0: 1.19, 0.5: 1.0, 0.0: 1.1}, 1.0),
        ({1.0: 1.21, 0.5: 1.0, 0.0: 1.1}, 0.5),
        ({1.0: 1.21, 0.5: 1.1, 0.0: 1.0}, 0.0),
    ],
)
def test_the_labels_own_statistics_win_unless_another_share_is_better_by_a_fifth(monkeypatch, losses, share):
    fitted = judged(monkeypatch, losses)

    assert fitted.share == share
    assert fitted.losses == pytest.approx({s: (2 * loss + 3 * 2 * loss) / 5 for s, loss in losses.items()})
    assert fitted.loss == pytest.approx(fitted.losses[share] / 2)


@pytest.mark.parametrize("count", [2, 3])
def test_a_label_alone_measures_no_statistics(count: int):
    model, labels = normed(4), moved(100.0).subset(torch.arange(count))
    came = copy.deepcopy(model)
    fitted = fit_statistics(model, labels, batch_size=8)
    assert (fitted.share, fitted.held) == (0.0, True)
    torch.testing.assert_close(model[1].running_mean, came[1].running_mean)
