import copy

import pytest
import torch

from grasp_core.architectures import build
from grasp_core.batchnorm import recalibrate
from grasp_core.config import FineTuneConfig
from grasp_core.data.target import Labels, TargetData, gather
from grasp_core.evaluate import evaluate
from grasp_core.finetune import fine_tune
from grasp_core.refit import refit
from grasp_core.snapshots import MemorySnapshots


@pytest.fixture
def model():
    torch.manual_seed(0)
    return build("grasp/digits-cnn", in_channels=1, num_classes=10)


def refitted(model, data, **changes):
    config = FineTuneConfig(**{"epochs": 20, "lr": 3e-3, "selection": "loss"} | changes)
    return refit(model, data, gather(data), config=config, share=0.6, snapshots=MemorySnapshots())


def test_val_is_trained_on_only_after_it_has_chosen(model, target_data):
    apart = copy.deepcopy(model)
    config = FineTuneConfig(epochs=12, lr=3e-3, selection="loss")
    alone = fine_tune(apart, target_data.train, target_data.val, config=config, snapshots=MemorySnapshots())
    told = refitted(model, target_data)
    first = told.epochs[: len(alone.epochs)]
    assert [(e.val_loss, e.train_loss) for e in first] == [(e.val_loss, e.train_loss) for e in alone.epochs]
    assert told.kept == (alone.kept[0], round(0.6 * alone.kept[0]))
    assert told.gradient_passes == 12 * 45 + told.kept[1] * 60


def test_labels_that_no_training_fits_leave_the_model_as_it_was(model, target_data):
    before = copy.deepcopy(model.state_dict())
    told = refitted(model, target_data, lr=30.0)
    assert told.kept == (0,)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_batch_norm_ends_with_the_statistics_of_all_labels(model, target_data):
    refitted(model, target_data)
    again = copy.deepcopy(model)
    recalibrate(again, Labels(target_data, 32))
    ours, theirs = model.state_dict(), again.state_dict()
    assert all(torch.allclose(ours[name].float(), theirs[name].float()) for name in ours)


def test_the_same_seed_refits_to_the_same_model_and_the_global_numbers_stay(model, target_data):
    other = copy.deepcopy(model)
    state = torch.get_rng_state()
    refitted(model, target_data, seed=3)
    assert torch.equal(torch.get_rng_state(), state)
    refitted(other, target_data, seed=3)
    ours, theirs = model.state_dict(), other.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_any_iterable_of_batches_is_refitted(model, target_data):
    listed = TargetData(list(target_data.train), list(target_data.val))
    assert refitted(model, listed).kept[0] >= 1
    assert evaluate(model, target_data.val).samples == 15
