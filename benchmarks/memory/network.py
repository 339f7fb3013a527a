"""The network whose memory is measured: parameters outweigh activations."""

import torch
from torch import nn


def network(seed: int, *, depth: int = 10) -> nn.Module:
    """Build a network whose parameters (148 thousand a layer) outweigh the activations of eight digits."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        layers: list[nn.Module] = [nn.Flatten(), nn.Linear(64, 384), nn.BatchNorm1d(384), nn.ReLU()]
        for _ in range(depth):
            layers += [nn.Linear(384, 384), nn.BatchNorm1d(384), nn.ReLU()]
        return nn.Sequential(*layers, nn.Linear(384, 10))
