"""A sequence of sources, one after the other, with the memory of one: snapshots lie on disk.

python examples/sequence.py
"""

import tempfile
from pathlib import Path

import torch
from torch import nn

from grasp_core.absorb import absorb, begin
from grasp_core.config import AbsorbConfig
from grasp_core.data import digits
from grasp_core.data.target import TargetData
from grasp_core.models.architectures import build
from grasp_core.models.evaluate import evaluate
from grasp_core.models.snapshots import DiskSnapshots, MemorySnapshots
from grasp_core.training.sources import SourceTrainingConfig, train_source

PERIODS = 4


def source(number: int) -> nn.Module:
    """Train one source when it is asked for; elsewhere you would read its file here."""
    torch.manual_seed(number)
    model = build("grasp/digits-cnn", in_channels=1, num_classes=10)
    samples = digits.source(number, of=PERIODS, strength=1.0, seed=number).samples()
    config = SourceTrainingConfig(epochs=8, lr=3e-3, seed=number)
    train_source(model, samples, samples, config=config, snapshots=MemorySnapshots())
    return model


def main() -> None:
    """Print one line per source."""
    splits = digits.target(budget=60, strength=1.0, seed=0)
    data = TargetData(splits.train.samples(), splits.val.samples())
    config = AbsorbConfig(epochs=20, initial_epochs=20, lr=1e-3)
    target = build("grasp/digits-cnn", in_channels=1, num_classes=10)

    with tempfile.TemporaryDirectory() as scratch:
        snapshots = DiskSnapshots(Path(scratch))
        for number in range(1, PERIODS + 1):
            if number == 1:
                done = begin(target, lambda: source(1), data, config=config, snapshots=snapshots)
            else:
                snapshots.load_into("stem", target)
                # Called once, inside; the source is freed before the fine-tune.
                done = absorb(target, lambda n=number: source(n), data, config=config, snapshots=snapshots)
            if done.choice == "unchanged":
                print(f"period {number}: unchanged, nothing to serve anew")
                continue
            accuracy = evaluate(target, splits.test.samples()).accuracy
            print(f"period {number}: {done.choice}, {accuracy:.3f} on test")


if __name__ == "__main__":
    main()
