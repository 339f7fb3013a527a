"""A refit validates how far to go on what its folds held out, then trains on every label."""

import copy
from dataclasses import replace

import pytest
import torch

from grasp_core.config import FineTuneConfig, RefitConfig
from grasp_core.data.target import TargetData, gather
from grasp_core.models.architectures import build
from grasp_core.models.batchnorm import recalibrate
from grasp_core.models.evaluate import evaluate
from grasp_core.models.snapshots import STEM, MemorySnapshots
from grasp_core.seed import generator
from grasp_core.training.folds import SOUP, rotations
from grasp_core.training.refit import refit

HOW = RefitConfig()
TWO = RefitConfig(folds=2, share=0.5, onward=0.6)


@pytest.fixture
def model():
    torch.manual_seed(0)
    return build("grasp/digits-cnn", in_channels=1, num_classes=10)


def refitted(model, data, how=HOW, snapshots=None, **changes):
    config = FineTuneConfig(**{"epochs": 20, "lr": 3e-3} | changes)
    snapshots = snapshots or MemorySnapshots()
    snapshots.save(STEM, model)
    labels = gather(data)
    return refit(
        model,
        labels,
        block=15,
        config=config,
        how=how,
        snapshots=snapshots,
        start=STEM,
        settle=lambda model: recalibrate(model, labels.batches(32)),
    )


@pytest.mark.parametrize(("how", "epochs"), [(HOW, 8), (TWO, 10)], ids=["one fold", "two"])
def test_folds_go_a_part_of_the_way_and_all_labels_on_from_their_mean(model, target_data, how, epochs):
    told = refitted(model, target_data, how)
    *folds, onward = told.kept
    assert folds == [epochs] * how.folds
    assert onward in {round(how.onward * step * epochs) for step in how.steps}
    assert told.gradient_passes == how.folds * epochs * 45 + onward * 60
    assert [(e.fold, e.folds, e.epoch) for e in told.epochs] == [
        (fold, how.folds + 1, epoch)
        for fold, last in enumerate(told.kept, start=1)
        for epoch in range(1, last + 1)
    ]


def test_the_step_is_the_one_with_the_lowest_loss_on_what_was_held_out(model, target_data):
    """Recomputed here from the ends of the folds: each by a refit that takes nothing but that fold."""
    labels, start = gather(target_data), copy.deepcopy(model)
    losses = dict.fromkeys(TWO.steps, 0.0)
    splits = rotations(60, block=15, folds=2, order=generator(0, "folds"))
    ends = []
    for count in (1, 2):
        snapshots = MemorySnapshots()
        taught = copy.deepcopy(start)
        # a refit of one fold leaves that fold's end as its mean; of two, the mean of both
        how = replace(TWO, onward=0.0, steps=(0.0, 1.0))
        _rotated(taught, target_data, splits[:count], how, snapshots)
        mean = copy.deepcopy(start)
        snapshots.load_into(SOUP, mean)
        ends.append(mean)
    second = _lerped(ends[0], ends[1], 2.0)  # 2 * mean - first
    for end, (_, held) in zip((ends[0], second), splits, strict=True):
        for step in TWO.steps:
            there = _lerped(start, end, step)
            if step > 0:  # at 0 it stays as it was
                recalibrate(there, labels.batches(32))
            losses[step] += evaluate(there, labels.subset(held).batches(32)).loss
    best = min(losses, key=losses.__getitem__)
    wanted = _lerped(start, ends[1], best)
    recalibrate(wanted, labels.batches(32))

    refitted(model, target_data, replace(TWO, onward=0.0))

    assert best > 0
    for name, tensor in wanted.state_dict().items():
        torch.testing.assert_close(model.state_dict()[name], tensor, atol=1e-5, rtol=1e-4)


def _rotated(model, data, splits, how, snapshots):
    """Refit with these rotations only."""
    from unittest import mock

    with mock.patch("grasp_core.training.refit.rotations", return_value=splits):
        refitted(model, data, how, snapshots)


def _lerped(start, end, step):
    moved = copy.deepcopy(start)
    with torch.no_grad():
        for parameter, other in zip(moved.parameters(), end.parameters(), strict=True):
            parameter.lerp_(other, step)
    return moved


def test_a_training_that_does_harm_leaves_the_model_as_it_was(model, target_data):
    refitted(model, target_data)
    before = copy.deepcopy(model.state_dict())
    told = refitted(model, target_data, lr=30.0)
    assert told.kept == (0,)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_batch_norm_ends_with_the_statistics_of_all_labels(model, target_data):
    refitted(model, target_data)
    again = copy.deepcopy(model)
    recalibrate(again, gather(target_data).batches(32))
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
    assert len(refitted(model, listed).kept) == 2
    assert evaluate(model, target_data.val).samples == 15
