"""A small network, a configuration and a run of one absorb, as the tests of absorbing share them."""

import copy

import torch

from grasp_core.absorb import absorb
from grasp_core.config import AbsorbConfig
from grasp_core.models.architectures import build
from grasp_core.models.snapshots import MemorySnapshots

MODES = ["guarded", "reference"]


def network(seed):
    torch.manual_seed(seed)
    return build("grasp/digits-cnn", in_channels=1, num_classes=10)


def config(mode, **settings):
    return AbsorbConfig(mode=mode, **{"epochs": 5, "initial_epochs": 5, "lr": 5e-3, **settings})


def equal(ours, theirs):
    theirs = theirs.state_dict()
    return all(torch.equal(tensor, theirs[name]) for name, tensor in ours.state_dict().items())


def stem_of(snapshots):
    stem = network(99)
    snapshots.load_into("stem", stem)
    return stem


def run(mode, data, stem, source, **settings):
    target, snapshots = copy.deepcopy(stem), MemorySnapshots()
    absorbed = absorb(
        target, lambda: copy.deepcopy(source), data, config=config(mode, **settings), snapshots=snapshots
    )
    return target, snapshots, absorbed
