"""Architectures by id: torchvision's, timm's, and this project's own small one."""

import difflib
import re
from collections.abc import Callable

from torch import Tensor, nn

from grasp_core.errors import InvalidConfig, UnknownArchitecture

TESTED = (
    "grasp/digits-cnn",
    "timm/mobilevit_xs",
    "timm/mobilevit_xxs",
    "torchvision/efficientnet_b1",
    "torchvision/resnet50",
)
_ID = re.compile(r"\A(?P<family>grasp|timm|torchvision)/(?P<name>[a-z0-9][a-z0-9_-]{0,62})\Z")
_WITH_AUXILIARY_HEADS = ("googlenet", "inception_v3")  # their train-mode output is no tensor


def build(architecture: str, *, in_channels: int, num_classes: int) -> nn.Module:
    """Build an untrained network of a registered architecture.

    It maps N x in_channels x H x W floats to N x num_classes logits. Initial weights come from torch's
    global random numbers, so that a caller who seeds them gets the same network.
    Raises UnknownArchitecture when no network has this id, InvalidConfig for a number below 1.
    """
    if min(in_channels, num_classes) < 1:
        raise InvalidConfig(
            f"{architecture}: {in_channels} in_channels, {num_classes} num_classes; "
            "needs 1 or more; nothing was built"
        )
    match = _ID.match(architecture)
    if match is None:
        raise _unknown(architecture, TESTED)
    return _FAMILIES[match["family"]](match["name"], in_channels, num_classes)


class DigitsCnn(nn.Module):
    """Three convolutions with batch norm, one pooling, a linear head: the digits benchmark's network."""

    def __init__(self, in_channels: int, num_classes: int, *, width: int = 16) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, 2 * width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(2 * width)
        self.conv3 = nn.Conv2d(2 * width, 2 * width, 3, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(2 * width)
        self.pool = nn.MaxPool2d(2)
        self.head = nn.Linear(2 * width, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """Map N x C x H x W images to N x num_classes logits."""
        x = self.bn1(self.conv1(images)).relu()
        x = self.pool(self.bn2(self.conv2(x)).relu())
        x = self.bn3(self.conv3(x)).relu()
        logits: Tensor = self.head(x.mean(dim=(2, 3)))
        return logits


def _grasp(name: str, in_channels: int, num_classes: int) -> nn.Module:
    if name != "digits-cnn":
        raise _unknown(f"grasp/{name}", ("grasp/digits-cnn",))
    return DigitsCnn(in_channels, num_classes)


def _timm(name: str, in_channels: int, num_classes: int) -> nn.Module:
    import timm

    if not timm.is_model(name):
        raise _unknown(f"timm/{name}", [f"timm/{known}" for known in timm.list_models()])
    model: nn.Module = timm.create_model(
        name, pretrained=False, in_chans=in_channels, num_classes=num_classes
    )
    return model


def _torchvision(name: str, in_channels: int, num_classes: int) -> nn.Module:
    from torchvision import models

    known = models.list_models(module=models)
    if name not in known:
        raise _unknown(f"torchvision/{name}", [f"torchvision/{model}" for model in known])
    extra = {"aux_logits": False} if name in _WITH_AUXILIARY_HEADS else {}
    model: nn.Module = models.get_model(name, weights=None, num_classes=num_classes, **extra)
    if in_channels != 3:
        replace_stem(model, in_channels)
    return model


def replace_stem(model: nn.Module, in_channels: int) -> None:
    """Swap the first convolution, which reads the image, for one of another channel count."""
    path, old = next((path, m) for path, m in model.named_modules() if isinstance(m, nn.Conv2d))
    new = nn.Conv2d(
        in_channels,
        old.out_channels,
        old.kernel_size,  # type: ignore[arg-type]
        stride=old.stride,  # type: ignore[arg-type]
        padding=old.padding,  # type: ignore[arg-type]
        bias=old.bias is not None,
    )
    parent, _, attribute = path.rpartition(".")
    setattr(model.get_submodule(parent), attribute, new)


def _unknown(architecture: str, known: list[str] | tuple[str, ...]) -> UnknownArchitecture:
    near = difflib.get_close_matches(architecture, [*known, *TESTED], n=5, cutoff=0.5)
    return UnknownArchitecture(
        f"architecture {architecture!r} is unknown; known are {', '.join(TESTED)} and every classification "
        f"network of torchvision/ and timm/; closest: {', '.join(dict.fromkeys(near)) or 'none'}; "
        "nothing was built"
    )


_FAMILIES: dict[str, Callable[[str, int, int], nn.Module]] = {
    "grasp": _grasp,
    "timm": _timm,
    "torchvision": _torchvision,
}
