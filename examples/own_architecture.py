"""A network of your own, whose weights come from safetensors files that you read yourself.

python examples/own_architecture.py

The core knows no file format and needs no registry: any module that maps N x C x H x W floats to N x K logits
will do, as long as source and target have the same tensors.
"""

import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from grasp_core.absorb import absorb, begin
from grasp_core.config import AbsorbConfig
from grasp_core.data import digits
from grasp_core.data.target import TargetData
from grasp_core.models.evaluate import evaluate
from grasp_core.models.snapshots import MemorySnapshots
from grasp_core.training.sources import SourceTrainingConfig, train_source


class Patches(nn.Module):
    """Four patches of an 8 x 8 digit, layer norm instead of batch norm, and no convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(16, 32)
        self.norm = nn.LayerNorm(32)
        self.mix = nn.Linear(4 * 32, 64)
        self.head = nn.Linear(64, 10)

    def forward(self, images: Tensor) -> Tensor:
        """Map N x 1 x 8 x 8 images to N x 10 logits."""
        patches = images.unfold(2, 4, 4).unfold(3, 4, 4).reshape(len(images), 4, 16)
        embedded = self.norm(self.embed(patches)).relu().flatten(1)
        logits: Tensor = self.head(self.mix(embedded).relu())
        return logits


def train_and_save(number: int, path: Path) -> None:
    """Stand in for a team that trains a source and hands over a file."""
    torch.manual_seed(number)
    model, samples = Patches(), digits.source(number, of=4, strength=1.0, seed=number).samples()
    config = SourceTrainingConfig(epochs=20, lr=1e-3, seed=number)
    train_source(model, samples, samples, config=config, snapshots=MemorySnapshots())
    save_file(model.state_dict(), path)


def loaded(path: Path) -> nn.Module:
    """Read a source's file. Its bytes are a stranger's: safetensors executes nothing, a pickle would."""
    model = Patches()
    model.load_state_dict(load_file(path))
    return model


def main() -> None:
    """Absorb two files into one target."""
    splits = digits.target(budget=60, strength=1.0, seed=0)
    data, test = TargetData(splits.train.samples(), splits.val.samples()), splits.test.samples()
    config = AbsorbConfig(epochs=20, initial_epochs=20, lr=1e-3)
    snapshots, target = MemorySnapshots(), Patches()
    with tempfile.TemporaryDirectory() as scratch:
        files = [Path(scratch) / f"{number}.safetensors" for number in (2, 4)]
        for number, file in zip((2, 4), files, strict=True):
            train_and_save(number, file)
        begin(target, lambda: loaded(files[0]), data, config=config, snapshots=snapshots)
        print(f"first target {evaluate(target, test).accuracy:.3f}")
        snapshots.load_into("stem", target)
        done = absorb(target, lambda: loaded(files[1]), data, config=config, snapshots=snapshots)
    served = done.choice != "unchanged"
    print(f"{done.choice}: {evaluate(target, test).accuracy:.3f}" if served else "unchanged")


if __name__ == "__main__":
    main()
