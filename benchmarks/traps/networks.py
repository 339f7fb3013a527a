"""Small networks that fall into traps: without batch norm, with it frozen, on sparse features."""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torchvision.ops import FrozenBatchNorm2d

SPARSE = 512  # features, of which an image shows one in fifteen


class Attention(nn.Module):
    """A vision transformer for 8 x 8 images: patches of 2 x 2, two blocks, layer norm."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.patches = nn.Conv2d(1, width, 2, stride=2)
        self.places = nn.Parameter(torch.randn(1, 16, width) * 0.02)
        self.blocks = nn.Sequential(
            *(nn.TransformerEncoderLayer(width, 4, 64, 0.0, batch_first=True, norm_first=True) for _ in "12")
        )
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, 10)

    def forward(self, images: Tensor) -> Tensor:
        """Give N x 10 logits."""
        tokens = self.patches(images).flatten(2).transpose(1, 2) + self.places
        logits: Tensor = self.head(self.norm(self.blocks(tokens)).mean(1))
        return logits


class ChannelNorm(nn.LayerNorm):
    """Layer norm over the channels of N x C x H x W, as ConvNeXt has it."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalise every position."""
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def convolutions(norm: type[nn.Module], width: int = 16) -> nn.Sequential:
    """Build three convolutions with a norm of this kind after each."""
    sizes = (1, width, 2 * width, 2 * width)
    layers = [
        (nn.Conv2d(a, b, 3, padding=1), norm(b), nn.ReLU(), nn.MaxPool2d(2)) for a, b in pairwise(sizes)
    ]
    return nn.Sequential(
        *(part for layer in layers for part in layer), nn.Flatten(), nn.Linear(sizes[-1], 10)
    )


def layer_normed() -> nn.Module:
    """Build a network of convolutions and layer norm."""
    return convolutions(ChannelNorm)


def frozen_normed() -> nn.Module:
    """Build a network whose batch norm is frozen: statistics and scales are buffers that nobody measures."""
    return convolutions(FrozenBatchNorm2d)


def sparse_head() -> nn.Module:
    """Build a head with batch norm on sparse features, N x SPARSE x 1 x 1."""
    return nn.Sequential(nn.Flatten(), nn.BatchNorm1d(SPARSE), nn.Linear(SPARSE, 10))


def sparse_features(images: Tensor) -> Tensor:
    """Give features of N x 1 x 8 x 8 images, each of which one image in fifteen shows; N x SPARSE x 1 x 1."""
    directions = torch.randn(64, SPARSE, generator=torch.Generator().manual_seed(0)) / 8
    seen = images.flatten(1) @ directions
    seen = (seen - seen.mean(0)) / seen.std(0)
    return (seen - 1.5).relu().unsqueeze(-1).unsqueeze(-1)
