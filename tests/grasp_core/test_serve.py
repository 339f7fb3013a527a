"""What a fine-tune does with batch-norm statistics that the labels are no measure of."""

from dataclasses import replace

import pytest
import torch

from grasp_core.config import AbsorbConfig
from grasp_core.data.sample import all_labels
from grasp_core.data.target import count, gather
from grasp_core.models.architectures import build
from grasp_core.models.batchnorm import put_statistics, statistics_of
from grasp_core.models.classes import labelled
from grasp_core.models.snapshots import STEM, MemorySnapshots
from grasp_core.progress import SILENT
from grasp_core.serve import Care, serve
from grasp_core.training.refit import refit

CONFIG = AbsorbConfig(epochs=10, lr=3e-3)


@pytest.fixture
def model():
    torch.manual_seed(0)
    model = build("grasp/digits-cnn", in_channels=1, num_classes=10)
    generator = torch.Generator().manual_seed(1)
    came = [tensor + torch.rand(tensor.shape, generator=generator) for tensor in statistics_of(model)]
    put_statistics(model, came)
    return model


def served(model, data, *, config, held=True):
    snapshots = MemorySnapshots()
    snapshots.save(STEM, model)
    labels = all_labels(data)
    care = Care(gather(data), held, labelled(model, labels, gather(data)))
    return serve(
        model, data, epochs=config.epochs, config=config, snapshots=snapshots, progress=SILENT, care=care
    )


def test_a_refit_trains_on_batches_own_statistics_and_puts_back_those_that_came(model, target_data):
    came = [tensor.clone() for tensor in statistics_of(model)]
    twin = build("grasp/digits-cnn", in_channels=1, num_classes=10)
    twin.load_state_dict(model.state_dict())
    told = served(model, target_data, config=CONFIG)
    assert told.kept[0] > 0, "nothing was trained, so nothing is shown"
    assert all(torch.equal(now, then) for now, then in zip(statistics_of(model), came, strict=True))

    snapshots = MemorySnapshots()
    snapshots.save(STEM, twin)
    refit(
        twin,
        gather(target_data),
        block=count(target_data.val),
        config=CONFIG.fine_tuning(epochs=CONFIG.epochs),
        how=CONFIG.refit,
        snapshots=snapshots,
        start=STEM,
        settle=lambda point: put_statistics(point, came),
    )
    for ours, theirs in zip(model.parameters(), twin.parameters(), strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize("change", [{"soup_limit": 10}, {"tuning": "fold_soup"}], ids=["plain", "folds"])
def test_any_other_fine_tune_holds_them_still(model, target_data, change):
    came = [tensor.clone() for tensor in statistics_of(model)]
    told = served(model, target_data, config=replace(CONFIG, **change))
    assert sum(told.kept) > 0, "nothing was trained, so nothing is shown"
    for now, then in zip(statistics_of(model), came, strict=True):
        assert torch.allclose(now, then)  # equal but for the rounding of a mean of four


def test_statistics_that_fit_the_labels_are_measured_on_them_after_every_training(model, target_data):
    came = [tensor.clone() for tensor in statistics_of(model)]
    told = served(model, target_data, config=CONFIG, held=False)
    assert told.kept[0] > 0, "nothing was trained, so nothing is shown"
    assert not any(torch.equal(now, then) for now, then in zip(statistics_of(model), came, strict=True))
