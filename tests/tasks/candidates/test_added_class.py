"""A source and a version of the old list of classes are absorbed into a target that has one more."""

from pathlib import Path

import numpy as np
import pytest
import torch

from grasp_core.data import digits
from tasks.candidates.absorb import absorb_source
from tasks.candidates.candidate import Parent
from tasks.candidates.device import device_of
from tasks.contracts.base import Architecture, InputSpec
from tasks.contracts.dataset import Dataset, File, Split, Splits
from tasks.contracts.target import AbsorbSettings, Target
from tasks.data.datasets import SPLITS, LoadedDataset, SplitArrays
from tasks.weights.files import new_module, read_tensors, save

THEN = Architecture(id="grasp/digits-cnn", in_channels=1, num_classes=9)
SIZE = InputSpec(height=8, width=8, channels=1, mean=(0.5,), std=(0.5,))


def grown_target(mode: str) -> Target:
    once = Target(
        name="t",
        series=("digits",),
        architecture=THEN,
        classes=digits.CLASSES[:9],
        input=SIZE,
        dataset=f"datasets/d/{'0' * 64}/dataset.json",
        absorb=AbsorbSettings(mode=mode, lr=1e-3, epochs=2, initial_epochs=2),
    )
    return once.with_classes(digits.CLASSES).model_copy(update={"grown_from": 9})


def data() -> LoadedDataset:
    splits = digits.target(budget=60, strength=1.0, seed=0, gate=50)
    arrays = {
        name: SplitArrays(images=part.images, labels=part.labels, ids=part.ids)
        for name, part in ((name, getattr(splits, name)) for name in SPLITS)
    }
    some = Split(
        samples=1, **{k: File(file=k, sha256="0" * 64, size_bytes=1) for k in ("images", "labels", "ids")}
    )
    document = Dataset.model_construct(
        name="d", classes=digits.CLASSES, input=SIZE, splits=Splits.model_construct(train=some)
    )
    return LoadedDataset(document=document, digest="0" * 64, splits=arrays)


def file_of(seed: int, path: Path, *, certain: float = 1.0) -> Path:
    """An untrained network; certain: a factor on its logits, above 1 it is more certain than it may be."""
    torch.manual_seed(seed)
    module = new_module(THEN)
    with torch.no_grad():
        module.head.weight.mul_(certain)
    save(module, path)
    return path


@pytest.mark.parametrize("mode", ["guarded", "reference"])
def test_what_was_served_is_measured_as_it_is_and_all_that_is_made_knows_the_new_class(mode, tmp_path: Path):
    torch.set_num_threads(1)
    source = file_of(1, tmp_path / "source.safetensors")
    served, stem = (
        file_of(n, tmp_path / f"{n}.safetensors", certain=100) for n in (2, 3)
    )  # the source leads
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    loaded = data()
    candidate = absorb_source(
        grown_target(mode),
        loaded,
        source=source,
        parent=Parent(registry_version=1, served=served, stem=stem if mode == "guarded" else None),
        directory=scratch,
        device=device_of("cpu"),
        on_epoch=lambda _: None,
    )
    assert candidate.before is not None
    right = candidate.before.correct[np.asarray(loaded.splits["gate"].labels) == 9]
    assert len(right) > 0
    assert not right.any()
    assert candidate.source_classes == 9
    assert candidate.files is not None
    for file in filter(None, (candidate.files.served, candidate.files.stem)):
        assert read_tensors(file)["head.weight"].shape == (10, 32)
