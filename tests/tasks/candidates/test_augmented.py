"""Photographs of a target's fine-tune may be seen anew in each epoch; what judges is seen as it is."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from grasp_core.config import FineTuneConfig
from grasp_core.models.architectures import build
from grasp_core.models.snapshots import MemorySnapshots
from grasp_core.seed import generator
from grasp_core.training.finetune import fine_tune
from tasks.arrivals.unit import config_digest
from tasks.candidates.measure import samples_of
from tasks.contracts.target import AbsorbSettings, Target
from tasks.data.datasets import LoadedDataset

BEFORE = "e8e976b9ce4b32d1b6a5483b5657d3aeeef68c75684bc8052c4a12536efd2ff7"  # of the defaults, until 0.2


def target(augment: str) -> Target:
    size = {"height": 16, "width": 16, "channels": 1, "mean": (0.5,), "std": (0.5,)}
    return Target.model_validate(
        {
            "name": "photos",
            "series": ("photos",),
            "architecture": {"id": "grasp/digits-cnn", "in_channels": 1, "num_classes": 2},
            "classes": ("a", "b"),
            "input": size,
            "dataset": f"datasets/photos/{'0' * 64}/dataset.json",
            "absorb": AbsorbSettings(augment=augment),
        }
    )


@pytest.fixture
def dataset() -> LoadedDataset:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (12, 16, 16, 1), dtype=np.uint8)
    split = SimpleNamespace(images=images, labels=np.arange(12) % 2)
    return SimpleNamespace(splits=dict.fromkeys(("train", "val", "gate", "test"), split))


def epoch(target: Target, dataset: LoadedDataset, split: str) -> torch.Tensor:
    shuffled = samples_of(target, dataset, split).batches(12, shuffle=generator(0))
    return next(shuffled)[0]


def test_only_the_images_of_train_are_seen_anew(dataset):
    plain, augmented = target("none"), target("photographs")
    first, second = (epoch(augmented, dataset, "train") for _ in range(2))
    assert not torch.equal(first, second)
    assert torch.equal(epoch(plain, dataset, "train"), epoch(plain, dataset, "train"))
    for split in ("val", "gate", "test"):
        assert torch.equal(epoch(augmented, dataset, split), epoch(plain, dataset, split))


def test_an_augmented_fine_tune_ends_the_same_each_time_and_elsewhere_than_a_plain_one(dataset):
    def tuned(augment: str) -> torch.Tensor:
        with torch.random.fork_rng():
            torch.manual_seed(1)
            model = build("grasp/digits-cnn", in_channels=1, num_classes=2)
        train, val = (samples_of(target(augment), dataset, split) for split in ("train", "val"))
        config = FineTuneConfig(epochs=2, lr=1e-2, selection="loss", batch_size=4)
        fine_tune(model, train, val, config=config, snapshots=MemorySnapshots())
        return torch.cat([p.detach().flatten() for p in model.parameters()])

    torch.manual_seed(5)
    first = tuned("photographs")
    torch.manual_seed(6)  # what others drew before says nothing
    assert torch.equal(first, tuned("photographs"))
    assert not torch.equal(first, tuned("none"))


def test_the_digest_of_settings_without_augmentation_is_that_of_before():
    assert config_digest(AbsorbSettings()) == BEFORE
    assert config_digest(AbsorbSettings(augment="photographs")) != BEFORE
