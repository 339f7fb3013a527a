import pytest
import torch
from torch import nn

from grasp_core.data import digits
from grasp_core.errors import InvalidConfig
from grasp_core.models.architectures import build
from grasp_core.models.evaluate import evaluate
from grasp_core.models.snapshots import MemorySnapshots
from grasp_core.training.sources import SourceTrainingConfig, _factor, _groups, train_source


@pytest.fixture(scope="module")
def period():
    samples = digits.base(strength=1, seed=0).samples()
    positions = torch.arange(len(samples))
    return samples.subset(positions[:240]), samples.subset(positions[240:])


def trained(period, seed):
    torch.manual_seed(0)
    model = build("grasp/digits-cnn", in_channels=1, num_classes=10)
    config = SourceTrainingConfig(epochs=6, lr=2e-3, seed=seed)
    metrics = train_source(model, *period, config=config, snapshots=MemorySnapshots())
    return model, metrics


def test_a_source_learns_its_period(period):
    model, metrics = trained(period, 0)
    assert metrics == evaluate(model, period[1])
    assert metrics.accuracy > 0.6


def test_the_same_seed_gives_the_same_source(period):
    ours, theirs = trained(period, 1)[0].state_dict(), trained(period, 1)[0].state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_the_last_linear_layer_learns_ten_times_faster():
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2))
    body, head = _groups(model, SourceTrainingConfig())
    assert [p is q for p, q in zip(head["params"], model[1].parameters(), strict=True)] == [True, True]
    assert (body["lr"], head["lr"]) == (3e-4, pytest.approx(3e-3))


def test_the_rate_warms_up_for_two_epochs_then_falls_as_a_cosine():
    config = SourceTrainingConfig(epochs=15)
    factors = [_factor(step, 10, config) for step in range(151)]
    assert factors[:20] == [pytest.approx((step + 1) / 20) for step in range(20)]
    assert factors[85] == pytest.approx(0.5)
    assert factors[150] == pytest.approx(0.0)


def test_a_warm_up_longer_than_the_training_is_refused():
    with pytest.raises(InvalidConfig):
        SourceTrainingConfig(epochs=2)
